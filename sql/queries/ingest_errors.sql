-- purpose: what the last `ouroboros ingest` of each source could not read, and what to do about it
-- parameters: none
-- columns: adapter, source, scene_id, file, reason, remedy
-- grain: a file or scan at fault
SELECT adapter, source, scene_id, file, reason, remedy
FROM ingest_errors
ORDER BY adapter, source, scene_id, file;
