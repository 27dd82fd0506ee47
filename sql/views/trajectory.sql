-- purpose: how each sample's confidence moved from round to round
-- parameters: none
-- columns: sample_id, round, step (of the round's last observation), confidence (of that one),
--   label (easy, frontier or hard, of that confidence), correct (the answer given then),
--   times_seen (in that round), question_type, scene_id, dataset
-- grain: a sample and a round it was observed in
CREATE VIEW trajectory AS
SELECT
    sample_id,
    round,
    step,
    confidence,
    label_of(confidence) AS label,
    correct,
    times_seen,
    question_type,
    scene_id,
    dataset
FROM round_observations;
