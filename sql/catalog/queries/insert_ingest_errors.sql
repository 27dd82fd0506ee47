-- purpose: add what could not be read
-- parameters: the relation `incoming_ingest_errors`, with the columns of `ingest_errors`
-- grain: rows of `ingest_errors` are added
INSERT INTO ingest_errors BY NAME
SELECT * FROM incoming_ingest_errors;
