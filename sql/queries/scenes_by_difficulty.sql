-- purpose: what each scene gave: objects, proposals, samples, and how hard they are now
-- parameters: dataset: only this dataset (optional); top: how many scenes (default: 20)
-- columns: scene_id, dataset, objects, proposed, accepted, trained (samples), easy, frontier, hard,
--   mastered, confidence (mean, the latest)
-- grain: a scene with proposals, the one with most of its samples on the frontier first
WITH asked AS (
    SELECT scene_id, count(*) AS proposed, count(*) FILTER (accepted) AS accepted
    FROM verdicts
    GROUP BY scene_id
),
stood AS (
    SELECT
        difficulty.scene_id,
        count(*) AS trained,
        count(*) FILTER (label = 'easy') AS easy,
        count(*) FILTER (label = 'frontier') AS frontier,
        count(*) FILTER (label = 'hard') AS hard,
        avg(confidence) AS confidence
    FROM difficulty
    GROUP BY difficulty.scene_id
),
known AS (
    SELECT scene_id, count(*) AS mastered
    FROM mastered
    GROUP BY scene_id
),
furnished AS (
    SELECT scene_id, count(*) AS objects
    FROM objects
    GROUP BY scene_id
)
SELECT
    asked.scene_id,
    scenes.dataset,
    coalesce(furnished.objects, 0) AS objects,
    asked.proposed,
    asked.accepted,
    coalesce(stood.trained, 0) AS trained,
    coalesce(stood.easy, 0) AS easy,
    coalesce(stood.frontier, 0) AS frontier,
    coalesce(stood.hard, 0) AS hard,
    coalesce(known.mastered, 0) AS mastered,
    round(stood.confidence, 4) AS confidence
FROM asked
LEFT JOIN scenes ON scenes.scene_id = asked.scene_id
LEFT JOIN furnished ON furnished.scene_id = asked.scene_id
LEFT JOIN stood ON stood.scene_id = asked.scene_id
LEFT JOIN known ON known.scene_id = asked.scene_id
WHERE $dataset::VARCHAR IS NULL OR scenes.dataset = $dataset::VARCHAR
ORDER BY stood.frontier / stood.trained DESC NULLS LAST, asked.scene_id
LIMIT $top::BIGINT;
