-- purpose: how each sample's confidence moved from round to round
-- parameters: none
-- columns: sample_id, round, step (of the round's last observation), confidence, label, correct,
--   times_seen (in that round), question_type, scene_id, dataset
-- grain: a sample and a round it was observed in
CREATE VIEW trajectory AS
WITH last_seen AS (
    SELECT
        sample_id,
        round,
        max_by(step, (step, confidence)) AS step,
        max_by(confidence, (step, confidence)) AS confidence,
        max_by(correct, (step, confidence)) AS correct,
        count(*) AS times_seen
    FROM observations
    GROUP BY sample_id, round
)
SELECT
    last_seen.sample_id,
    last_seen.round,
    last_seen.step,
    last_seen.confidence,
    label_of(last_seen.confidence) AS label,
    last_seen.correct,
    last_seen.times_seen,
    samples.question_type,
    samples.scene_id,
    samples.dataset
FROM last_seen
LEFT JOIN samples ON samples.sample_id = last_seen.sample_id;
