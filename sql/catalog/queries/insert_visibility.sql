-- purpose: add the rows of scenes
-- parameters: the relation `incoming_visibility`, with the columns of `visibility`
-- grain: rows of `visibility` are added
INSERT INTO visibility BY NAME
SELECT * FROM incoming_visibility;
