-- purpose: the same questions asked after every round: a trend that the mix of samples cannot fake
-- parameters: none
-- columns: round (0: the base solver), asked, accuracy (mean score in [0, 1]), error (its standard
--   error), confidence (mean), easy, frontier, hard (samples)
-- grain: a round
SELECT
    round,
    count(*) AS asked,
    avg(score) AS accuracy,
    stddev_samp(score) / sqrt(count(*)) AS error,
    avg(confidence) AS confidence,
    count(*) FILTER (label_of(confidence) = 'easy') AS easy,
    count(*) FILTER (label_of(confidence) = 'frontier') AS frontier,
    count(*) FILTER (label_of(confidence) = 'hard') AS hard
FROM probes
GROUP BY round
ORDER BY round;
