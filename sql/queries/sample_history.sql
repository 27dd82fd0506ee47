-- purpose: everything that happened to one sample, in order
-- parameters: sample: a sample_id
-- columns: round, step (of training; NULL for what happens once a round), event (made, drawn,
--   observed, probed, held out), confidence, label (of that confidence), correct, detail (in words)
-- grain: an event
WITH events AS (
    SELECT
        round,
        0 AS place,
        NULL::INTEGER AS step,
        'made' AS event,
        NULL::DOUBLE AS confidence,
        NULL::BOOLEAN AS correct,
        question || ' -> ' || answer AS detail
    FROM samples
    WHERE sample_id = $sample::VARCHAR
    UNION ALL
    SELECT round, 1, step, 'drawn', NULL, NULL, stratum || ', ' || why
    FROM draws
    WHERE sample_id = $sample::VARCHAR
    UNION ALL
    SELECT round, 1, step, 'observed', confidence, correct, 'loss ' || round(loss, 4)
    FROM observations
    WHERE sample_id = $sample::VARCHAR
    UNION ALL
    SELECT round, 2, NULL, 'probed', confidence, correct, 'answered ' || predicted
    FROM probes
    WHERE sample_id = $sample::VARCHAR
    UNION ALL
    SELECT round, 2, NULL, 'held out', confidence, correct, 'answered ' || predicted
    FROM evaluations
    WHERE sample_id = $sample::VARCHAR
)
SELECT
    round,
    step,
    event,
    round(confidence, 4) AS confidence,
    label_of(confidence) AS label,
    correct,
    detail
FROM events
ORDER BY round, place, step, event;
