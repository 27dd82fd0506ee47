-- purpose: how labels spread over question types, with what was never trained on
-- parameters: none
-- columns: question_type, label (easy, frontier, hard, or unseen), samples (how many), share (of
--   the type's)
-- grain: a question type and label that occurs among the training samples
CREATE VIEW coverage AS
WITH labelled AS (
    SELECT question_type, label FROM difficulty
    UNION ALL
    SELECT samples.question_type, 'unseen' AS label
    FROM samples
    ANTI JOIN standings ON standings.sample_id = samples.sample_id
    WHERE samples.split = 'train'
)
SELECT
    question_type,
    label,
    count(*) AS samples,
    count(*) / sum(count(*)) OVER (PARTITION BY question_type) AS share
FROM labelled
GROUP BY question_type, label;
