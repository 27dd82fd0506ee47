-- purpose: the frames that programs see
-- parameters: $scene_ids (VARCHAR[])
-- columns: scene_id, frame_id, frame_index, timestamp_s
-- grain: a frame, in its scene's order
SELECT scene_id, frame_id, frame_index, timestamp_s
FROM frames
WHERE list_contains($scene_ids, scene_id)
ORDER BY scene_id, frame_index;
