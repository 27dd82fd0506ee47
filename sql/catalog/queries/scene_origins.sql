-- purpose: from where, and by which adapter, scenes were read: their pictures are still there
-- parameters: $scene_ids (VARCHAR[])
-- columns: scene_id, adapter_version, source
-- grain: a scene
SELECT scene_id, adapter_version, source
FROM scenes
WHERE list_contains($scene_ids, scene_id);
