-- purpose: forget the earlier faults of a source's scenes that are about to be read again
-- parameters: $adapter, $source, $scene_ids (VARCHAR[]; faults of no one scene go as well)
-- grain: rows of `ingest_errors` are removed
DELETE FROM ingest_errors
WHERE adapter = $adapter
    AND source = $source
    AND (scene_id IS NULL OR list_contains($scene_ids, scene_id));
