-- purpose: held-out questions answered after each round's training
--   (stands in until a run has written it)
-- parameters: none
-- columns: as below
-- grain: a held-out sample and round
CREATE TABLE evaluations (
    sample_id VARCHAR,
    round INTEGER, -- 0: the base solver
    predicted VARCHAR,
    score DOUBLE, -- 1 or 0; mean relative accuracy for numbers
    correct BOOLEAN, -- the texts are the same
    confidence DOUBLE,
    solver VARCHAR
);
