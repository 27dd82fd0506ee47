-- purpose: samples of which least is known: their smoothed confidence leaves the most open
-- parameters: type: only this question type (optional); top: how many samples (default: 20)
-- columns: sample_id, question_type, smoothed (mean confidence over rounds, later ones counting
--   more), uncertainty (standard deviation of that mean), confidence (the latest), round (of it),
--   rounds_seen, question, answer
-- grain: a sample that was trained on
SELECT
    difficulty.sample_id,
    difficulty.question_type,
    round(difficulty.smoothed, 4) AS smoothed,
    round(difficulty.uncertainty, 4) AS uncertainty,
    round(difficulty.confidence, 4) AS confidence,
    difficulty.round,
    difficulty.rounds_seen,
    samples.question,
    samples.answer
FROM difficulty
JOIN samples ON samples.sample_id = difficulty.sample_id
WHERE $type::VARCHAR IS NULL OR difficulty.question_type = $type::VARCHAR
ORDER BY difficulty.uncertainty DESC, difficulty.sample_id
LIMIT $top::BIGINT;
