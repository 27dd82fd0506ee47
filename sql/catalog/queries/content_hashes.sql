-- purpose: what every scene was read from and by what, to skip those unchanged
-- parameters: none
-- columns: scene_id, content_hash, adapter_version, processing, has_mesh, num_frames, source
-- grain: a scene
SELECT scene_id, content_hash, adapter_version, processing, has_mesh, num_frames, source
FROM scenes
ORDER BY scene_id;
