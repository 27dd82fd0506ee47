-- purpose: how hard each question type is for the solver now
-- parameters: none
-- columns: question_type, samples (trained on), easy, frontier, hard, mean_confidence, correct
--   (share)
-- grain: a question type, the hardest first
SELECT
    question_type,
    count(*) AS samples,
    count(*) FILTER (label = 'easy') AS easy,
    count(*) FILTER (label = 'frontier') AS frontier,
    count(*) FILTER (label = 'hard') AS hard,
    round(avg(confidence), 4) AS mean_confidence,
    round(avg(correct::INTEGER), 4) AS correct
FROM difficulty
GROUP BY question_type
ORDER BY mean_confidence, question_type;
