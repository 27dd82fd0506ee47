-- purpose: what each round was trained on: unseen and replayed samples, by the label they came with
-- parameters: none
-- columns: round, stratum (unseen or replay), label (at the observed round before; unseen where
--   there is none), drawn, samples (distinct), share (of the round's draws), weight (mean)
-- grain: a round, stratum and label
WITH labelled AS (
    SELECT
        draws.round,
        draws.stratum,
        draws.sample_id,
        draws.weight,
        coalesce(label_of(seen.before_confidence), 'unseen') AS label
    FROM draws
    LEFT JOIN round_observations AS seen
        ON seen.sample_id = draws.sample_id AND seen.round = draws.round
)
SELECT
    round,
    stratum,
    label,
    count(*) AS drawn,
    count(DISTINCT sample_id) AS samples,
    round(count(*) / sum(count(*)) OVER (PARTITION BY round), 4) AS share,
    round(avg(weight), 4) AS weight
FROM labelled
GROUP BY round, stratum, label
ORDER BY round, stratum, label;
