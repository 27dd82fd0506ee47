-- purpose: the frames that programs see: the sampled ones, with their cameras
-- parameters: $scene_ids (VARCHAR[])
-- columns: scene_id, frame_id, timestamp_s, width, height, fx, fy, cx, cy (px), camera_to_world,
--   camera_model, distortion
-- grain: a sampled frame, in its scene's order
SELECT
    scene_id, frame_id, timestamp_s, width, height, fx, fy, cx, cy, camera_to_world, camera_model,
    distortion
FROM frames
WHERE list_contains($scene_ids, scene_id) AND sampled
ORDER BY scene_id, frame_index;
