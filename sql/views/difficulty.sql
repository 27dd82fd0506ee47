-- purpose: how hard each sample is for the solver now: its latest confidence and label
-- parameters: none
-- columns: sample_id, label, confidence, correct, round and step (of that observation),
--   times_seen (in all rounds), question_type, scene_id, dataset
-- grain: a sample that was trained on
CREATE VIEW difficulty AS
SELECT
    sample_id,
    max_by(label, round) AS label,
    max_by(confidence, round) AS confidence,
    max_by(correct, round) AS correct,
    max(round) AS round,
    max_by(step, round) AS step,
    sum(times_seen)::BIGINT AS times_seen,
    any_value(question_type) AS question_type,
    any_value(scene_id) AS scene_id,
    any_value(dataset) AS dataset
FROM trajectory
GROUP BY sample_id;
