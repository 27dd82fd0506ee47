-- purpose: how the solver answers the fixed probe set after each round: a trend that no changing mix
--   of samples makes
-- parameters: none
-- columns: round (0: the base solver), question_type, asked (probe samples), confidence (mean),
--   accuracy (mean score), easy, frontier, hard, trained (probe samples trained on by then),
--   trained_confidence (mean, of those), trained_accuracy (mean score, of those),
--   untrained_confidence (mean, of the others), untrained_accuracy (mean score, of the others)
-- grain: a round and question type
CREATE VIEW probe_trend AS
WITH first_seen AS (
    SELECT sample_id, round
    FROM round_observations
    SEMI JOIN probes ON probes.sample_id = round_observations.sample_id
    WHERE before_round IS NULL
),
asked AS (
    SELECT
        probes.round,
        samples.question_type,
        probes.confidence,
        probes.score,
        label_of(probes.confidence) AS label,
        coalesce(first_seen.round <= probes.round, FALSE) AS trained
    FROM probes
    LEFT JOIN samples ON samples.sample_id = probes.sample_id
    LEFT JOIN first_seen ON first_seen.sample_id = probes.sample_id
)
SELECT
    round,
    question_type,
    count(*) AS asked,
    avg(confidence) AS confidence,
    avg(score) AS accuracy,
    count(*) FILTER (label = 'easy') AS easy,
    count(*) FILTER (label = 'frontier') AS frontier,
    count(*) FILTER (label = 'hard') AS hard,
    count(*) FILTER (trained) AS trained,
    avg(confidence) FILTER (trained) AS trained_confidence,
    avg(score) FILTER (trained) AS trained_accuracy,
    avg(confidence) FILTER (NOT trained) AS untrained_confidence,
    avg(score) FILTER (NOT trained) AS untrained_accuracy
FROM asked
GROUP BY round, question_type;
