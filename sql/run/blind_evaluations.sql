-- purpose: the held-out questions answered without pictures after each round's training: what the
--   solver gives away from language alone (stands in until a run has written it)
-- parameters: none
-- columns: as below
-- grain: a held-out sample and round
CREATE TABLE blind_evaluations (
    sample_id VARCHAR,
    round INTEGER, -- 0: the base solver
    predicted VARCHAR,
    score DOUBLE, -- 1 or 0; mean relative accuracy for numbers
    correct BOOLEAN, -- the texts are the same
    confidence DOUBLE,
    solver VARCHAR
);
