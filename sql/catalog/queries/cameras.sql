-- purpose: the cameras of some scenes' frames
-- parameters: $scene_ids (VARCHAR[])
-- columns: scene_id, frame_id, timestamp_s, image, width, height, fx, fy, cx, cy (px),
--   camera_to_world, camera_model, distortion, quarter_turns
-- grain: a frame, each scene's in its order
SELECT
    scene_id, frame_id, timestamp_s, image, width, height, fx, fy, cx, cy, camera_to_world,
    camera_model, distortion, quarter_turns
FROM frames
WHERE list_contains($scene_ids, scene_id)
ORDER BY scene_id, frame_index;
