-- purpose: the objects that programs see: things, not the room's own walls and floor
-- parameters: $scene_ids (VARCHAR[])
-- columns: scene_id, object_id, label, center, extent, rotation, first_seen_s
-- grain: an object, in its scene's order
SELECT scene_id, object_id, label, center, extent, rotation, first_seen_s
FROM objects
WHERE list_contains($scene_ids, scene_id) AND NOT structure
ORDER BY scene_id, object_index;
