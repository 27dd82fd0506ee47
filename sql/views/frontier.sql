-- purpose: the samples worth learning from: neither easy nor hard at their latest observation
-- parameters: none
-- columns: sample_id, label (frontier), confidence (at its last observation), correct (the answer
--   given then), round and step (of that observation), times_seen (in all rounds), question_type,
--   scene_id, dataset, question, answer, program, smoothed (mean confidence over rounds),
--   uncertainty (standard deviation of that mean), rounds_seen (rounds it was observed in)
-- grain: a sample whose label is frontier
CREATE VIEW frontier AS
SELECT
    difficulty.* EXCLUDE (smoothed, uncertainty, rounds_seen),
    samples.question,
    samples.answer,
    samples.program,
    difficulty.smoothed,
    difficulty.uncertainty,
    difficulty.rounds_seen
FROM samples
JOIN difficulty ON difficulty.sample_id = samples.sample_id
WHERE difficulty.label = 'frontier';
