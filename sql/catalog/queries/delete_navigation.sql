-- purpose: drop the rows of scenes that are about to be written again
-- parameters: $scene_ids (VARCHAR[])
-- grain: rows of `navigation` are removed
DELETE FROM navigation
WHERE list_contains($scene_ids, scene_id);
