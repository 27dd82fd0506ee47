-- purpose: the scenes of the catalog
-- parameters: none
-- columns: scene_id
-- grain: a scene, by id
SELECT scene_id
FROM scenes
ORDER BY scene_id;
