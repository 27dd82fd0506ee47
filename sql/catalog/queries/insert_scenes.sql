-- purpose: add the rows of scenes
-- parameters: the relation `incoming_scenes`, with the columns of `scenes`
-- grain: rows of `scenes` are added
INSERT INTO scenes BY NAME
SELECT * FROM incoming_scenes;
