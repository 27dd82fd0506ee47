-- purpose: the surface distances (m) that programs see, as the upper triangle of each scene's matrix
-- parameters: $scene_ids (VARCHAR[])
-- columns: scene_id, distances (DOUBLE[], row by row in the order of the scene's objects)
-- grain: a scene with at least two objects
SELECT
    pairs.scene_id,
    list(pairs.surface_distance ORDER BY a.object_index, b.object_index) AS distances
FROM object_pairs AS pairs
JOIN objects AS a ON a.scene_id = pairs.scene_id AND a.object_id = pairs.object_a
JOIN objects AS b ON b.scene_id = pairs.scene_id AND b.object_id = pairs.object_b
WHERE list_contains($scene_ids, pairs.scene_id)
GROUP BY pairs.scene_id;
