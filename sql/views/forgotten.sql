-- purpose: what the solver knew once and no longer does: easy in an earlier round and not now, or
--   answered correctly in an earlier round and not now
-- parameters: none
-- columns: sample_id, best_round and best_confidence (the earlier round's, at its best),
--   best_label (of that confidence), round (the latest it was observed in), confidence (the latest),
--   label (the latest), correct (the latest), question_type, scene_id, dataset
-- grain: a sample
CREATE VIEW forgotten AS
SELECT
    sample_id,
    best_round,
    best_confidence,
    label_of(best_confidence) AS best_label,
    last_round AS round,
    confidence,
    label_now(confidence, smoothed) AS label,
    correct,
    question_type,
    scene_id,
    dataset
FROM standings
WHERE (label_of(best_confidence) = 'easy' AND label_now(confidence, smoothed) <> 'easy')
    OR (was_correct AND NOT correct);
