-- purpose: every scene in one line: what `ouroboros scenes` lists and a round plans with
-- parameters: none
-- columns: scene_id, dataset, split, room_key, objects, labels (counts), frames (count), area (m2),
--   content_hash, adapter_version; walls, floors and ceilings are not counted as objects
-- grain: a scene, by dataset and id
SELECT
    scenes.scene_id,
    scenes.dataset,
    scenes.split,
    scenes.room_key,
    count(objects.object_id) AS objects,
    count(DISTINCT objects.label) AS labels,
    scenes.num_frames AS frames,
    scenes.room_area_m2 AS area,
    scenes.content_hash,
    scenes.adapter_version
FROM scenes
LEFT JOIN objects ON objects.scene_id = scenes.scene_id AND NOT objects.structure
GROUP BY ALL
ORDER BY scenes.dataset, scenes.scene_id;
