-- purpose: what the solver has mastered: easy and answered correctly in the last two rounds a
--   sample was observed in
-- parameters: none
-- columns: sample_id, round (the latest it was observed in), confidence (then), before_round (the
--   observed round before it), before_confidence (then), times_seen (in all rounds), rounds_seen
--   (rounds it was observed in), question_type, scene_id, dataset
-- grain: a sample
CREATE VIEW mastered AS
SELECT
    sample_id,
    last_round AS round,
    confidence,
    before_round,
    before_confidence,
    times_seen,
    rounds_seen,
    question_type,
    scene_id,
    dataset
FROM standings
WHERE correct
    AND before_correct
    AND label_of(confidence) = 'easy'
    AND label_of(before_confidence) = 'easy';
