-- purpose: held-out accuracy by question type and round (round 0 is the base solver), beside what the
--   same solver scores on the same questions without pictures
-- parameters: none
-- columns: question_type, round, asked, accuracy (mean score), change (against the round before),
--   blind_accuracy (mean score without pictures, NULL where it was not asked so), gain (accuracy
--   minus blind_accuracy: what looking is worth)
-- grain: a question type and round
WITH blind AS (
    SELECT samples.question_type, blind_evaluations.round, avg(score) AS accuracy
    FROM blind_evaluations
    JOIN samples ON samples.sample_id = blind_evaluations.sample_id
    GROUP BY samples.question_type, blind_evaluations.round
),
scored AS (
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
    round(scored.accuracy - before.accuracy, 4) AS change,
    round(blind.accuracy, 4) AS blind_accuracy,
    round(scored.accuracy - blind.accuracy, 4) AS gain
FROM scored
LEFT JOIN scored AS before
    ON before.question_type = scored.question_type AND before.round = scored.round - 1
LEFT JOIN blind
    ON blind.question_type = scored.question_type AND blind.round = scored.round
ORDER BY scored.question_type, scored.round;
