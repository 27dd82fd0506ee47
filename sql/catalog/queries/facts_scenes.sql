-- purpose: the scene-level facts that programs see
-- parameters: $scene_ids (VARCHAR[])
-- columns: scene_id, dataset, room_key, room_area_m2, floor_polygon, open_world_labels
-- grain: a scene
SELECT scene_id, dataset, room_key, room_area_m2, floor_polygon, open_world_labels
FROM scenes
WHERE list_contains($scene_ids, scene_id);
