-- purpose: the ledger: confidences read while training; stands in until a run has written it
-- parameters: none
-- columns: as below
-- grain: a sample at a training step
CREATE TABLE observations (
    sample_id VARCHAR,
    round INTEGER,
    step INTEGER,
    confidence DOUBLE, -- geometric mean of the answer tokens' chances
    correct BOOLEAN,
    loss DOUBLE,
    tokens BIGINT,
    solver VARCHAR
);
