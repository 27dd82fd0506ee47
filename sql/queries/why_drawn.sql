-- purpose: why a sample was drawn for training: its weight and the words for it, every time
-- parameters: sample: a sample_id; round: only this round (optional)
-- columns: round, step, position (in the step's batch), stratum (unseen or replay), weight (the
--   peak is 1), why (in words), drawn (times in the round), before_round, before_confidence,
--   before_label (what the round before knew), heavier (share of the round's draws of more weight)
-- grain: a draw of the sample
WITH chosen AS (
    SELECT round, step, position, stratum, weight, why, count(*) OVER (PARTITION BY round) AS drawn
    FROM draws
    WHERE sample_id = $sample::VARCHAR
        AND ($round::INTEGER IS NULL OR round = $round::INTEGER)
),
others AS (
    SELECT chosen.round, avg((draws.weight > chosen.weight)::INTEGER) AS heavier
    FROM (SELECT round, max(weight) AS weight FROM chosen GROUP BY round) AS chosen
    JOIN draws ON draws.round = chosen.round
    GROUP BY chosen.round
)
SELECT
    chosen.round,
    chosen.step,
    chosen.position,
    chosen.stratum,
    round(chosen.weight, 4) AS weight,
    chosen.why,
    chosen.drawn,
    seen.before_round,
    round(seen.before_confidence, 4) AS before_confidence,
    label_of(seen.before_confidence) AS before_label,
    round(others.heavier, 4) AS heavier
FROM chosen
JOIN others ON others.round = chosen.round
LEFT JOIN round_observations AS seen
    ON seen.sample_id = $sample::VARCHAR AND seen.round = chosen.round
ORDER BY chosen.round, chosen.step, chosen.position;
