-- purpose: the samples of the gallery, each with its verdict's numbers and what the solver made of it
-- parameters: most: how many samples at most; an even choice, by a hash of their ids
-- columns: sample_id, round, scene_id, dataset, split, benchmark, question, question_type, program,
--   answer, unit, options, object_ids, margin, stability, prior_score, label, rounds, confidences and
--   corrects (one each a round it was observed in; of held-out samples each evaluation), predicted
--   (held out: the newest answer), drawn_rounds, drawn_times, why (it was last drawn)
-- grain: a sample, by scene, question type and id
WITH chosen AS (
    SELECT *
    FROM samples
    ORDER BY md5(sample_id), sample_id
    LIMIT $most::BIGINT
),
observed AS (
    SELECT
        sample_id,
        list(round ORDER BY round) AS rounds,
        list(confidence ORDER BY round) AS confidences,
        list(correct ORDER BY round) AS corrects,
        NULL::VARCHAR AS predicted
    FROM trajectory
    WHERE sample_id IN (SELECT sample_id FROM chosen WHERE split = 'train')
    GROUP BY sample_id
    UNION ALL
    SELECT
        sample_id,
        list(round ORDER BY round),
        list(confidence ORDER BY round),
        list(correct ORDER BY round),
        max_by(predicted, round)
    FROM evaluations
    WHERE sample_id IN (SELECT sample_id FROM chosen WHERE split <> 'train')
    GROUP BY sample_id
),
drawn_in AS (
    SELECT sample_id, round, count(*) AS times, max_by(why, (step, position)) AS why
    FROM draws
    WHERE sample_id IN (SELECT sample_id FROM chosen)
    GROUP BY sample_id, round
),
drawn AS (
    SELECT
        sample_id,
        list(round ORDER BY round) AS rounds,
        list(times ORDER BY round) AS times,
        max_by(why, round) AS why
    FROM drawn_in
    GROUP BY sample_id
)
SELECT
    chosen.sample_id,
    chosen.round,
    chosen.scene_id,
    chosen.dataset,
    chosen.split,
    chosen.benchmark,
    chosen.question,
    chosen.question_type,
    chosen.program,
    chosen.answer,
    chosen.unit,
    chosen.options,
    chosen.object_ids,
    chosen.margin,
    verdicts.stability,
    verdicts.prior_score,
    CASE WHEN chosen.split = 'train' THEN difficulty.label END AS label,
    observed.rounds,
    observed.confidences,
    observed.corrects,
    observed.predicted,
    drawn.rounds AS drawn_rounds,
    drawn.times AS drawn_times,
    drawn.why
FROM chosen
LEFT JOIN verdicts ON verdicts.proposal_id = chosen.proposal_id
LEFT JOIN difficulty ON difficulty.sample_id = chosen.sample_id
LEFT JOIN observed ON observed.sample_id = chosen.sample_id
LEFT JOIN drawn ON drawn.sample_id = chosen.sample_id
ORDER BY chosen.scene_id, chosen.question_type, chosen.sample_id;
