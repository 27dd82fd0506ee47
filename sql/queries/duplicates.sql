-- purpose: where proposals repeat what was asked before, and what they repeat
-- parameters: top: how many rows (default: 20)
-- columns: round, dataset, question_type, proposed, duplicates, share (of those proposed), scenes
--   (in which they occur), example (a message)
-- grain: a round, dataset and question type with duplicates, the most first
WITH judged AS (
    SELECT
        verdicts.round,
        scenes.dataset,
        nullif(proposals.question_type, '') AS question_type,
        verdicts.scene_id,
        verdicts.reason = 'duplicate' AS duplicate,
        verdicts.message
    FROM verdicts
    JOIN proposals ON proposals.proposal_id = verdicts.proposal_id
    LEFT JOIN scenes ON scenes.scene_id = verdicts.scene_id
)
SELECT
    round,
    dataset,
    question_type,
    count(*) AS proposed,
    count(*) FILTER (duplicate) AS duplicates,
    round(duplicates / proposed, 4) AS share,
    count(DISTINCT scene_id) FILTER (duplicate) AS scenes,
    min(message) FILTER (duplicate) AS example
FROM judged
GROUP BY round, dataset, question_type
HAVING duplicates > 0
ORDER BY duplicates DESC, round, dataset, question_type
LIMIT $top::BIGINT;
