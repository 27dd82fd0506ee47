-- purpose: from where, and by which adapter, a scene was read: its pictures are still there
-- parameters: $scene_id
-- columns: adapter_version, source
-- grain: the scene
SELECT adapter_version, source
FROM scenes
WHERE scene_id = $scene_id;
