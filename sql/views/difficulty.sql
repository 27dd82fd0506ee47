-- purpose: how hard each sample is for the solver now: its latest confidence and label
-- parameters: none
-- columns: sample_id, label (of that confidence, or of the smoothed one where the configuration's
--   curriculum.estimate says so), confidence (at its last observation), correct (the answer given
--   then), round and step (of that observation), times_seen (in all rounds), question_type,
--   scene_id, dataset, smoothed (mean confidence over rounds, later ones counting more),
--   uncertainty (standard deviation of that mean), rounds_seen (rounds it was observed in)
-- grain: a sample that was trained on
CREATE VIEW difficulty AS
SELECT
    sample_id,
    label_now(confidence, smoothed) AS label,
    confidence,
    correct,
    last_round AS round,
    step,
    times_seen,
    question_type,
    scene_id,
    dataset,
    smoothed,
    uncertainty,
    rounds_seen
FROM standings;
