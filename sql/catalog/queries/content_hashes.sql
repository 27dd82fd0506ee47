-- purpose: what every scene was read from and by which adapter, to skip those unchanged
-- parameters: none
-- columns: scene_id, content_hash, adapter_version
-- grain: a scene
SELECT scene_id, content_hash, adapter_version
FROM scenes
ORDER BY scene_id;
