-- purpose: which things are asked about in which way
-- parameters: none
-- columns: label (of an object the answer rests on), question_type, samples, frontier (of them),
--   trained (of them: those with a label of difficulty)
-- grain: an object label and question type that occur together among the training samples
WITH used AS (
    SELECT sample_id, scene_id, question_type, unnest(object_ids) AS object_id
    FROM samples
    WHERE split = 'train'
),
asked AS (
    SELECT DISTINCT used.sample_id, used.question_type, objects.label
    FROM used
    JOIN objects
        ON objects.scene_id = used.scene_id AND objects.object_id = used.object_id
)
SELECT
    asked.label,
    asked.question_type,
    count(*) AS samples,
    count(*) FILTER (difficulty.label = 'frontier') AS frontier,
    count(difficulty.label) AS trained
FROM asked
LEFT JOIN difficulty ON difficulty.sample_id = asked.sample_id
GROUP BY asked.label, asked.question_type
ORDER BY asked.label, asked.question_type;
