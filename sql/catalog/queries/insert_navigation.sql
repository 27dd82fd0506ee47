-- purpose: add the rows of scenes
-- parameters: the relation `incoming_navigation`, with the columns of `navigation`
-- grain: rows of `navigation` are added
INSERT INTO navigation BY NAME
SELECT * FROM incoming_navigation;
