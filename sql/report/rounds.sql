-- purpose: the loop at a glance, the base solver included
-- parameters: none
-- columns: round (0: the base solver), proposed, accepted, rejected, acceptance_rate, top_rejections,
--   easy, frontier, hard, trained (NULL in round 0), held_out_asked, held_out_accuracy,
--   held_out_error (standard error of that mean)
-- grain: a round
WITH held_out AS (
    SELECT
        round,
        count(*) AS asked,
        avg(score) AS accuracy,
        stddev_samp(score) / sqrt(count(*)) AS error
    FROM evaluations
    GROUP BY round
),
numbers AS (
    SELECT round FROM round_summary
    UNION
    SELECT round FROM held_out
)
SELECT
    numbers.round,
    summary.proposed,
    summary.accepted,
    summary.rejected,
    summary.acceptance_rate,
    summary.top_rejections,
    summary.easy,
    summary.frontier,
    summary.hard,
    summary.trained,
    held_out.asked AS held_out_asked,
    held_out.accuracy AS held_out_accuracy,
    held_out.error AS held_out_error
FROM numbers
LEFT JOIN round_summary AS summary ON summary.round = numbers.round
LEFT JOIN held_out ON held_out.round = numbers.round
ORDER BY numbers.round;
