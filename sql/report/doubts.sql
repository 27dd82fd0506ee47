-- purpose: how far the solver contradicts each scene's answers, after the newest round
-- parameters: none
-- columns: scene_id, dataset, samples (trained on), subjects, doubt (standard deviations), gap (log odds)
-- grain: a scene, the most doubted first
SELECT
    scene_id,
    dataset,
    samples,
    subjects,
    doubt,
    gap
FROM scene_doubts
WHERE round = (SELECT max(round) FROM scene_doubts)
ORDER BY doubt DESC, scene_id;
