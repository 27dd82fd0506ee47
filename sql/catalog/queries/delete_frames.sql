-- purpose: drop the rows of scenes that are about to be written again
-- parameters: $scene_ids (VARCHAR[])
-- grain: rows of `frames` are removed
DELETE FROM frames
WHERE list_contains($scene_ids, scene_id);
