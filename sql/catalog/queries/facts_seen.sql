-- purpose: what the frames show that programs see
-- parameters: $scene_ids (VARCHAR[])
-- columns: scene_id, frame_id, object_id, visible_fraction, pixel_area, box_2d, depth_m
-- grain: an object seen in a frame, in the order of the scene's objects
SELECT
    visibility.scene_id, frame_id, visibility.object_id, visible_fraction, pixel_area, box_2d,
    depth_m
FROM visibility
JOIN objects
    ON objects.scene_id = visibility.scene_id AND objects.object_id = visibility.object_id
WHERE list_contains($scene_ids, visibility.scene_id)
ORDER BY visibility.scene_id, frame_id, objects.object_index;
