-- purpose: add the rows of scenes
-- parameters: the relation `incoming_frames`, with the columns of `frames`
-- grain: rows of `frames` are added
INSERT INTO frames BY NAME
SELECT * FROM incoming_frames;
