-- purpose: how well the solver answers the held-out questions of each type, round by round
-- parameters: none
-- columns: question_type, round (0: the base solver), asked, accuracy (mean score in [0, 1]),
--   error (standard error of that mean)
-- grain: a question type and round
SELECT
    samples.question_type,
    evaluations.round,
    count(*) AS asked,
    avg(evaluations.score) AS accuracy,
    stddev_samp(evaluations.score) / sqrt(count(*)) AS error
FROM evaluations
JOIN samples ON samples.sample_id = evaluations.sample_id
GROUP BY samples.question_type, evaluations.round
ORDER BY samples.question_type, evaluations.round;
