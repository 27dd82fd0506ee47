-- purpose: question types whose confidence in training rises while held-out accuracy does not: they
--   may be learnt by heart, or from shortcuts
-- parameters: none
-- columns: question_type, first_round and last_round (both trained and evaluated), first_confidence
--   and last_confidence (mean over the round's samples), confidence_change, first_accuracy and
--   last_accuracy (held-out, mean score), accuracy_change, asked (held-out questions of the type)
-- grain: a question type whose confidence rose and whose accuracy did not
WITH trained AS (
    SELECT question_type, round, avg(confidence) AS confidence
    FROM round_observations
    GROUP BY question_type, round
),
held_out AS (
    SELECT
        samples.question_type,
        evaluations.round,
        avg(evaluations.score) AS accuracy,
        count(*) AS asked
    FROM evaluations
    JOIN samples ON samples.sample_id = evaluations.sample_id
    GROUP BY samples.question_type, evaluations.round
),
compared AS (
    SELECT
        trained.question_type,
        min(trained.round) AS first_round,
        max(trained.round) AS last_round,
        min_by(trained.confidence, trained.round) AS first_confidence,
        max_by(trained.confidence, trained.round) AS last_confidence,
        min_by(held_out.accuracy, trained.round) AS first_accuracy,
        max_by(held_out.accuracy, trained.round) AS last_accuracy,
        max_by(held_out.asked, trained.round) AS asked
    FROM trained
    JOIN held_out
        ON held_out.question_type = trained.question_type AND held_out.round = trained.round
    GROUP BY trained.question_type
)
SELECT
    question_type,
    first_round,
    last_round,
    round(first_confidence, 4) AS first_confidence,
    round(last_confidence, 4) AS last_confidence,
    round(last_confidence - first_confidence, 4) AS confidence_change,
    round(first_accuracy, 4) AS first_accuracy,
    round(last_accuracy, 4) AS last_accuracy,
    round(last_accuracy - first_accuracy, 4) AS accuracy_change,
    asked
FROM compared
WHERE last_confidence > first_confidence AND last_accuracy <= first_accuracy
ORDER BY confidence_change - accuracy_change DESC, question_type;
