-- purpose: drop the rows of scenes that are about to be written again
-- parameters: $scene_ids (VARCHAR[])
-- grain: rows of `object_pairs` are removed
DELETE FROM object_pairs
WHERE list_contains($scene_ids, scene_id);
