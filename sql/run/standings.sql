-- purpose: how each sample stands after a round, carried on from the round before, sorted by sample;
--   the two newest rounds are kept and the newest is shown (stands in until a run has written it)
-- parameters: none
-- columns: as below
-- grain: a sample observed in the round or before it
CREATE TABLE standings (
    sample_id VARCHAR,
    round INTEGER, -- after which it stands so
    last_round INTEGER, -- it was observed in, as are step, confidence and correct
    step INTEGER,
    confidence DOUBLE,
    correct BOOLEAN,
    times_seen BIGINT, -- in all rounds
    rounds_seen INTEGER, -- rounds it was observed in
    before_round INTEGER, -- the observed round before last_round, NULL for none
    before_confidence DOUBLE,
    before_correct BOOLEAN,
    best_round INTEGER, -- before last_round, that of the highest confidence (the later of two)
    best_confidence DOUBLE, -- in that round
    was_correct BOOLEAN, -- in some round before last_round
    support DOUBLE, -- sum of the rounds' weights, halved every curriculum.half_life rounds
    evidence DOUBLE, -- the same sum weighted by confidence
    smoothed DOUBLE, -- mean confidence by those weights, with a prior
    uncertainty DOUBLE, -- its standard deviation
    question_type VARCHAR,
    scene_id VARCHAR,
    dataset VARCHAR
);
