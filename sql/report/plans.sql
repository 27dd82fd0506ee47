-- purpose: what the plans of some scenes are drawn from
-- parameters: scene_ids: the scenes
-- columns: scene_id, dataset, licence, room_area_m2, floor_polygon, objects (id, label, x and y of
--   the box's centre, its sizes along its level axes, turn counter-clockwise in degrees, bottom, top;
--   m; the upright box, or where there is none the one along the scene's axes)
-- grain: a scene, by id
WITH boxes AS (
    SELECT
        scene_id,
        list({
            'id': object_id,
            'label': label,
            'x': coalesce(upright_center[1], (aabb_min[1] + aabb_max[1]) / 2),
            'y': coalesce(upright_center[2], (aabb_min[2] + aabb_max[2]) / 2),
            'width': coalesce(upright_extent[1], aabb_max[1] - aabb_min[1]),
            'depth': coalesce(upright_extent[2], aabb_max[2] - aabb_min[2]),
            'turn': coalesce(upright_yaw_deg, 0),
            'bottom': aabb_min[3],
            'top': aabb_max[3]
        } ORDER BY object_index) AS objects
    FROM objects
    WHERE list_contains($scene_ids::VARCHAR[], scene_id) AND NOT structure
    GROUP BY scene_id
)
SELECT
    scenes.scene_id,
    scenes.dataset,
    scenes.licence,
    scenes.room_area_m2,
    scenes.floor_polygon,
    boxes.objects
FROM scenes
LEFT JOIN boxes ON boxes.scene_id = scenes.scene_id
WHERE list_contains($scene_ids::VARCHAR[], scenes.scene_id)
ORDER BY scenes.scene_id;
