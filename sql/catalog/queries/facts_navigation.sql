-- purpose: where a robot can stand, as programs see it
-- parameters: $scene_ids (VARCHAR[])
-- columns: scene_id, origin, cell_m, num_rows, num_columns, robot_radius_m, free
-- grain: a scene with a navigation grid
SELECT scene_id, origin, cell_m, num_rows, num_columns, robot_radius_m, free
FROM navigation
WHERE list_contains($scene_ids, scene_id);
