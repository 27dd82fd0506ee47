-- purpose: which kinds of objects the solver is least sure about
-- parameters: none
-- columns: object_label, samples (whose answer rests on such an object), hard, mean_confidence
-- grain: an object label, the hardest first
WITH used AS (
    SELECT DISTINCT sample_id, scene_id, unnest(object_ids) AS object_id
    FROM samples
),
asked AS (
    SELECT DISTINCT used.sample_id, objects.label
    FROM used
    JOIN objects ON objects.scene_id = used.scene_id AND objects.object_id = used.object_id
)
SELECT
    asked.label AS object_label,
    count(*) AS samples,
    count(*) FILTER (difficulty.label = 'hard') AS hard,
    round(avg(difficulty.confidence), 4) AS mean_confidence
FROM asked
JOIN difficulty ON difficulty.sample_id = asked.sample_id
GROUP BY asked.label
ORDER BY mean_confidence, object_label;
