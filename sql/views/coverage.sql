-- purpose: how labels spread over question types, with what was never trained on
-- parameters: none
-- columns: question_type, label (easy, frontier, hard, or unseen), samples, share (of the type)
-- grain: a question type and label that occurs among the training samples
CREATE VIEW coverage AS
SELECT
    samples.question_type,
    coalesce(difficulty.label, 'unseen') AS label,
    count(*) AS samples,
    count(*) / sum(count(*)) OVER (PARTITION BY samples.question_type) AS share
FROM samples
LEFT JOIN difficulty ON difficulty.sample_id = samples.sample_id
WHERE samples.split = 'train'
GROUP BY samples.question_type, coalesce(difficulty.label, 'unseen');
