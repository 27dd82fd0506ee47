-- purpose: which pictures of some scenes show which objects
-- parameters: scene_ids: the scenes
-- columns: scene_id, frame_id, frame_index, timestamp_s, width, height (px), object_id,
--   visible_fraction, box_2d (px: x0, y0, x1, y1)
-- grain: an object seen in a frame that has a picture, by scene and frame
SELECT
    frames.scene_id,
    frames.frame_id,
    frames.frame_index,
    frames.timestamp_s,
    frames.width,
    frames.height,
    visibility.object_id,
    visibility.visible_fraction,
    visibility.box_2d
FROM frames
JOIN visibility
    ON visibility.scene_id = frames.scene_id AND visibility.frame_id = frames.frame_id
WHERE
    frames.image IS NOT NULL AND NOT frames.rendered
    AND list_contains($scene_ids::VARCHAR[], frames.scene_id)
ORDER BY frames.scene_id, frames.frame_index, visibility.object_id;
