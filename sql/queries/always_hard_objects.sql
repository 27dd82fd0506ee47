-- purpose: objects whose questions are always hard: in no round was one of them more than hard
-- parameters: least: fewest questions about the object (default: 2);
--   top: how many objects (default: 20)
-- columns: scene_id, object_id, object_label, samples (whose answer rests on the object),
--   observations (of these), best_confidence (the highest of a round), question_types
-- grain: an object, the most asked about first
WITH used AS (
    SELECT DISTINCT sample_id, scene_id, unnest(object_ids) AS object_id
    FROM samples
),
asked AS (
    SELECT
        used.scene_id,
        used.object_id,
        count(*) AS samples,
        sum(standings.times_seen)::BIGINT AS observations,
        max(greatest(standings.confidence, standings.best_confidence)) AS best_confidence,
        string_agg(DISTINCT standings.question_type, ', ' ORDER BY standings.question_type)
            AS question_types
    FROM used
    JOIN standings ON standings.sample_id = used.sample_id
    GROUP BY used.scene_id, used.object_id
)
SELECT
    asked.scene_id,
    asked.object_id,
    objects.label AS object_label,
    asked.samples,
    asked.observations,
    round(asked.best_confidence, 4) AS best_confidence,
    asked.question_types
FROM asked
LEFT JOIN objects ON objects.scene_id = asked.scene_id AND objects.object_id = asked.object_id
WHERE label_of(asked.best_confidence) = 'hard' AND asked.samples >= $least::INTEGER
ORDER BY asked.samples DESC, asked.observations DESC, asked.scene_id, asked.object_id
LIMIT $top::BIGINT;
