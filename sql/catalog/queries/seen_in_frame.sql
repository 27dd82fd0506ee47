-- purpose: what one frame shows, to be drawn over its picture
-- parameters: $scene_id, $frame_id
-- columns: label, visible_fraction, box_2d (px: x0, y0, x1, y1)
-- grain: an object seen in the frame, the farthest first
SELECT objects.label, visibility.visible_fraction, visibility.box_2d
FROM visibility
JOIN objects
    ON objects.scene_id = visibility.scene_id AND objects.object_id = visibility.object_id
WHERE visibility.scene_id = $scene_id AND visibility.frame_id = $frame_id
ORDER BY visibility.depth_m DESC, visibility.object_id;
