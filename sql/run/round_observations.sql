-- purpose: the ledger compacted: what each round last made of each sample it observed, sorted by
--   sample; stands in until a run has written it
-- parameters: none
-- columns: as below
-- grain: a sample and a round it was observed in
CREATE TABLE round_observations (
    sample_id VARCHAR,
    round INTEGER,
    step INTEGER, -- of the round's last observation, as are confidence and correct
    confidence DOUBLE,
    correct BOOLEAN,
    times_seen BIGINT, -- in this round
    before_round INTEGER, -- the round it was observed in before this one, NULL for none
    before_confidence DOUBLE,
    before_correct BOOLEAN,
    question_type VARCHAR,
    scene_id VARCHAR,
    dataset VARCHAR
);
