-- purpose: what the solver knew once and no longer does, the deepest fall first
-- parameters: none
-- columns: sample_id, scene_id, question_type, best_round, best_confidence, round, confidence,
--   label, question, answer
-- grain: a sample
SELECT
    forgotten.sample_id,
    forgotten.scene_id,
    forgotten.question_type,
    forgotten.best_round,
    forgotten.best_confidence,
    forgotten.round,
    forgotten.confidence,
    forgotten.label,
    samples.question,
    samples.answer
FROM forgotten
JOIN samples ON samples.sample_id = forgotten.sample_id
ORDER BY forgotten.confidence - forgotten.best_confidence, forgotten.sample_id;
