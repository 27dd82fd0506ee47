-- purpose: which question types the solver forgets, the most forgetful first
-- parameters: dataset: only samples of this dataset (optional)
-- columns: question_type, again (samples seen in two rounds or more), forgotten, share (of those),
--   unlearned (forgotten ones that were easy before), fall (mean, of their confidence since its best)
-- grain: a question type
SELECT
    standings.question_type,
    count(*) FILTER (standings.rounds_seen > 1) AS again,
    count(forgotten.sample_id) AS forgotten,
    round(count(forgotten.sample_id) / nullif(again, 0), 4) AS share,
    count(*) FILTER (forgotten.best_label = 'easy' AND forgotten.label <> 'easy') AS unlearned,
    round(avg(forgotten.best_confidence - forgotten.confidence), 4) AS fall
FROM standings
LEFT JOIN forgotten ON forgotten.sample_id = standings.sample_id
WHERE $dataset::VARCHAR IS NULL OR standings.dataset = $dataset::VARCHAR
GROUP BY standings.question_type
ORDER BY share DESC NULLS LAST, standings.question_type;
