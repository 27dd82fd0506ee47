-- purpose: how the solver answers the same probe questions after each round, with what training on
--   them did
-- parameters: type: only this question type (optional)
-- columns: question_type, round (0: the base solver), asked, confidence (mean), accuracy (mean
--   score), change (of the accuracy, against the round before), easy, frontier, hard, trained (on by
--   then), trained_accuracy, untrained_accuracy
-- grain: a question type and round
SELECT
    question_type,
    round,
    asked,
    round(confidence, 4) AS confidence,
    round(accuracy, 4) AS accuracy,
    round(accuracy - lag(accuracy) OVER (PARTITION BY question_type ORDER BY round), 4) AS change,
    easy,
    frontier,
    hard,
    trained,
    round(trained_accuracy, 4) AS trained_accuracy,
    round(untrained_accuracy, 4) AS untrained_accuracy
FROM probe_trend
WHERE $type::VARCHAR IS NULL OR question_type = $type::VARCHAR
ORDER BY question_type, round;
