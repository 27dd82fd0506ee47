-- purpose: scenes whose answers the solver contradicts, as it does where annotations are wrong
-- parameters: above: standard deviations (default: 2.0); dataset: only this dataset (optional);
--   top: how many scenes (default: 20)
-- columns: scene_id, dataset, room_key, samples (trained on), subjects (sets of objects these
--   rest on), hard (samples), doubt (standard deviations), doubt_before (after the round before), gap
--   (log odds), sample_id and question (that with the lowest confidence), answer (stated), confidence
--   (in it, the latest)
-- grain: a scene, the most doubted first
WITH newest AS (
    SELECT max(round) AS round FROM scene_doubts
),
least AS (
    SELECT
        scene_id,
        count(*) FILTER (label = 'hard') AS hard,
        arg_min(sample_id, (confidence, sample_id)) AS sample_id
    FROM difficulty
    GROUP BY scene_id
)
SELECT
    doubts.scene_id,
    doubts.dataset,
    scenes.room_key,
    doubts.samples,
    doubts.subjects,
    least.hard,
    round(doubts.doubt, 2) AS doubt,
    round(earlier.doubt, 2) AS doubt_before,
    round(doubts.gap, 3) AS gap,
    least.sample_id,
    samples.question,
    samples.answer,
    round(difficulty.confidence, 4) AS confidence
FROM scene_doubts AS doubts
JOIN newest ON newest.round = doubts.round
LEFT JOIN scene_doubts AS earlier
    ON earlier.scene_id = doubts.scene_id AND earlier.round = doubts.round - 1
LEFT JOIN scenes ON scenes.scene_id = doubts.scene_id
LEFT JOIN least ON least.scene_id = doubts.scene_id
LEFT JOIN samples ON samples.sample_id = least.sample_id
LEFT JOIN difficulty ON difficulty.sample_id = least.sample_id
WHERE
    doubts.doubt > $above::DOUBLE
    AND ($dataset::VARCHAR IS NULL OR doubts.dataset = $dataset::VARCHAR)
ORDER BY doubts.doubt DESC, doubts.scene_id
LIMIT $top::BIGINT;
