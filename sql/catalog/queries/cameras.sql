-- purpose: the cameras of one scene's frames
-- parameters: $scene_id
-- columns: frame_id, timestamp_s, image, width, height, fx, fy, cx, cy (px), camera_to_world,
--   camera_model, distortion, quarter_turns
-- grain: a frame, in the scene's order
SELECT
    frame_id, timestamp_s, image, width, height, fx, fy, cx, cy, camera_to_world, camera_model,
    distortion, quarter_turns
FROM frames
WHERE scene_id = $scene_id
ORDER BY frame_index;
