-- purpose: drop the rows of scenes that are about to be written again
-- parameters: $scene_ids (VARCHAR[])
-- grain: rows of `objects` are removed
DELETE FROM objects
WHERE list_contains($scene_ids, scene_id);
