-- purpose: held-out accuracy by question type and round (round 0 is the base solver)
-- parameters: none
-- columns: question_type, round, asked, accuracy (mean score), change (against the round before)
-- grain: a question type and round
WITH scored AS (
    SELECT samples.question_type, evaluations.round, count(*) AS asked, avg(score) AS accuracy
    FROM evaluations
    JOIN samples ON samples.sample_id = evaluations.sample_id
    GROUP BY samples.question_type, evaluations.round
)
SELECT
    scored.question_type,
    scored.round,
    scored.asked,
    round(scored.accuracy, 4) AS accuracy,
    round(scored.accuracy - before.accuracy, 4) AS change
FROM scored
LEFT JOIN scored AS before
    ON before.question_type = scored.question_type AND before.round = scored.round - 1
ORDER BY scored.question_type, scored.round;
