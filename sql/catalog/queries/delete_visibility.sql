-- purpose: drop the rows of scenes that are about to be written again
-- parameters: $scene_ids (VARCHAR[])
-- grain: rows of `visibility` are removed
DELETE FROM visibility
WHERE list_contains($scene_ids, scene_id);
