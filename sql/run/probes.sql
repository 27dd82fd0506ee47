-- purpose: a fixed set of the first round's samples, asked again after every round
--   (stands in until a run has written it)
-- parameters: none
-- columns: as below
-- grain: a probe sample and round
CREATE TABLE probes (
    sample_id VARCHAR,
    round INTEGER, -- 0: the base solver
    predicted VARCHAR,
    score DOUBLE, -- 1 or 0; mean relative accuracy for numbers
    correct BOOLEAN, -- the texts are the same
    confidence DOUBLE,
    solver VARCHAR
);
