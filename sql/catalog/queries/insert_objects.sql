-- purpose: add the rows of scenes
-- parameters: the relation `incoming_objects`, with the columns of `objects`
-- grain: rows of `objects` are added
INSERT INTO objects BY NAME
SELECT * FROM incoming_objects;
