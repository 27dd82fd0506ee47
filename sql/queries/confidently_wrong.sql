-- purpose: samples the solver is sure about and answers otherwise: look whether the answer is right
-- parameters: top: how many samples (default: 20)
-- columns: sample_id, scene_id, question_type, round, confidence (in the sample's answer),
--   rounds_seen, question, answer (the sample's), program
-- grain: a sample that is easy and was answered differently at its latest observation
SELECT
    difficulty.sample_id,
    difficulty.scene_id,
    difficulty.question_type,
    difficulty.round,
    difficulty.confidence,
    difficulty.rounds_seen,
    samples.question,
    samples.answer,
    samples.program
FROM difficulty
JOIN samples ON samples.sample_id = difficulty.sample_id
WHERE difficulty.label = 'easy' AND NOT difficulty.correct
ORDER BY difficulty.confidence DESC, difficulty.sample_id
LIMIT $top::BIGINT;
