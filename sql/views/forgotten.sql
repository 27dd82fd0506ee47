-- purpose: what the solver knew once and no longer does: easy in an earlier round and not now, or
--   answered correctly in an earlier round and not now
-- parameters: none
-- columns: sample_id, best_round and best_confidence (the earlier round's, at its best),
--   best_label, round, confidence, label, correct (the latest), question_type, scene_id, dataset
-- grain: a sample
CREATE VIEW forgotten AS
WITH earlier AS (
    SELECT
        trajectory.sample_id,
        max_by(trajectory.round, (trajectory.confidence, trajectory.round)) AS best_round,
        max(trajectory.confidence) AS best_confidence,
        bool_or(trajectory.label = 'easy') AS was_easy,
        bool_or(trajectory.correct) AS was_correct
    FROM trajectory
    JOIN difficulty ON difficulty.sample_id = trajectory.sample_id
    WHERE trajectory.round < difficulty.round
    GROUP BY trajectory.sample_id
)
SELECT
    difficulty.sample_id,
    earlier.best_round,
    earlier.best_confidence,
    label_of(earlier.best_confidence) AS best_label,
    difficulty.round,
    difficulty.confidence,
    difficulty.label,
    difficulty.correct,
    difficulty.question_type,
    difficulty.scene_id,
    difficulty.dataset
FROM difficulty
JOIN earlier ON earlier.sample_id = difficulty.sample_id
WHERE (earlier.was_easy AND difficulty.label <> 'easy')
    OR (earlier.was_correct AND NOT difficulty.correct);
