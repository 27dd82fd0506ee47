-- purpose: how the frontier of each dataset and question type moved over the rounds
-- parameters: dataset: only this dataset (optional); type: only this question type (optional)
-- columns: dataset, question_type, round, trained (samples observed in the round), easy, frontier,
--   hard, frontier_share, change (of that share, against the observed round before), confidence
--   (mean)
-- grain: a dataset, question type and round
WITH counted AS (
    SELECT
        dataset,
        question_type,
        round,
        count(*) AS trained,
        count(*) FILTER (label = 'easy') AS easy,
        count(*) FILTER (label = 'frontier') AS frontier,
        count(*) FILTER (label = 'hard') AS hard,
        frontier / trained AS share,
        avg(confidence) AS confidence
    FROM trajectory
    WHERE ($dataset::VARCHAR IS NULL OR dataset = $dataset::VARCHAR)
        AND ($type::VARCHAR IS NULL OR question_type = $type::VARCHAR)
    GROUP BY dataset, question_type, round
)
SELECT
    dataset,
    question_type,
    round,
    trained,
    easy,
    frontier,
    hard,
    round(share, 4) AS frontier_share,
    round(share - lag(share) OVER (PARTITION BY dataset, question_type ORDER BY round), 4)
        AS change,
    round(confidence, 4) AS confidence
FROM counted
ORDER BY dataset, question_type, round;
