-- purpose: the table round_observations, made from the observations of a workspace that was written
--   before rounds were compacted
-- parameters: none
-- columns: as the table round_observations
-- grain: a sample and a round it was observed in
CREATE VIEW round_observations AS
WITH last_seen AS (
    SELECT
        sample_id,
        round,
        max_by(step, (step, confidence, correct)) AS step,
        max_by(confidence, (step, confidence, correct)) AS confidence,
        max_by(correct, (step, confidence, correct)) AS correct,
        count(*) AS times_seen
    FROM observations
    GROUP BY sample_id, round
)
SELECT
    last_seen.sample_id,
    last_seen.round,
    last_seen.step,
    last_seen.confidence,
    last_seen.correct,
    last_seen.times_seen,
    lag(last_seen.round) OVER earlier AS before_round,
    lag(last_seen.confidence) OVER earlier AS before_confidence,
    lag(last_seen.correct) OVER earlier AS before_correct,
    samples.question_type,
    samples.scene_id,
    samples.dataset
FROM last_seen
LEFT JOIN samples ON samples.sample_id = last_seen.sample_id
WINDOW earlier AS (PARTITION BY last_seen.sample_id ORDER BY last_seen.round);
