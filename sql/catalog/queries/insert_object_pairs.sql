-- purpose: add the rows of scenes
-- parameters: the relation `incoming_object_pairs`, with the columns of `object_pairs`
-- grain: rows of `object_pairs` are added
INSERT INTO object_pairs BY NAME
SELECT * FROM incoming_object_pairs;
