-- purpose: when the solver mastered what: easy and correct in two observed rounds one after another
-- parameters: type: only this question type (optional)
-- columns: round, question_type, mastered (for the first time in this round), still (of these, those
--   mastered now), share (of the type's samples), total (mastered up to this round)
-- grain: a round and question type in which something was mastered
WITH reached AS (
    SELECT sample_id, any_value(question_type) AS question_type, min(round) AS round
    FROM round_observations
    WHERE correct
        AND before_correct
        AND label_of(confidence) = 'easy'
        AND label_of(before_confidence) = 'easy'
        AND ($type::VARCHAR IS NULL OR question_type = $type::VARCHAR)
    GROUP BY sample_id
),
counted AS (
    SELECT
        reached.round,
        reached.question_type,
        count(*) AS mastered,
        count(mastered.sample_id) AS still
    FROM reached
    LEFT JOIN mastered ON mastered.sample_id = reached.sample_id
    GROUP BY reached.round, reached.question_type
),
sizes AS (
    SELECT question_type, count(*) AS samples
    FROM standings
    GROUP BY question_type
)
SELECT
    counted.round,
    counted.question_type,
    counted.mastered,
    counted.still,
    round(counted.mastered / sizes.samples, 4) AS share,
    (sum(counted.mastered) OVER (PARTITION BY counted.question_type ORDER BY counted.round))::BIGINT
        AS total
FROM counted
JOIN sizes ON sizes.question_type = counted.question_type
ORDER BY counted.round, counted.mastered DESC, counted.question_type;
