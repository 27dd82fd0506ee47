-- purpose: the training order of each round; stands in until a run has written it
-- parameters: none
-- columns: as below
-- grain: a place in the order
CREATE TABLE draws (
    round INTEGER,
    step INTEGER, -- from 0
    position INTEGER, -- in the step's batch, from 0
    sample_id VARCHAR,
    weight DOUBLE, -- resampling weight; the peak is 1
    stratum VARCHAR, -- unseen or replay
    why VARCHAR -- in words
);
