-- purpose: how many proposals get how far
-- parameters: none
-- columns: round, dataset, question_type (NULL where the proposal could not be read),
--   place (1 to 5), stage (proposed, parsed, executed, accepted, trained),
--   proposals (that got at least that far), share (of those proposed), requests (to a model, a
--   request for several proposals shared evenly), tokens, seconds (of the model: a scene's cost is
--   its proposals'), tokens_per_second, per_1000_tokens (proposals that got that far for every
--   1000 tokens spent on all of them); the cost is 0 and the rates NULL where no model proposed
-- grain: a round, dataset, question type and stage; stages nobody reached have a row with 0
CREATE VIEW "yield" AS
WITH observed AS (
    SELECT DISTINCT samples.proposal_id
    FROM samples
    JOIN observations ON observations.sample_id = samples.sample_id
),
asked AS (
    SELECT round, scene_id, count(*) AS requests
    FROM requests
    WHERE purpose NOT IN ('own program', 'review')
    GROUP BY round, scene_id
),
reached AS (
    SELECT
        proposals.round,
        proposals.tokens AS spent,
        proposals.seconds AS took,
        coalesce(asked.requests, 0)
        / count(*) OVER (PARTITION BY proposals.round, proposals.scene_id) AS asks,
        scenes.dataset,
        nullif(proposals.question_type, '') AS question_type,
        CASE
            WHEN observed.proposal_id IS NOT NULL THEN 5
            WHEN verdicts.accepted THEN 4
            WHEN outcomes.ok THEN 3
            WHEN proposals.parse_error IS NULL THEN 2
            ELSE 1
        END AS place
    FROM proposals
    LEFT JOIN scenes ON scenes.scene_id = proposals.scene_id
    LEFT JOIN outcomes ON outcomes.proposal_id = proposals.proposal_id
    LEFT JOIN verdicts ON verdicts.proposal_id = proposals.proposal_id
    LEFT JOIN observed ON observed.proposal_id = proposals.proposal_id
    LEFT JOIN asked ON asked.round = proposals.round AND asked.scene_id = proposals.scene_id
),
stages (place, stage) AS (
    VALUES (1, 'proposed'), (2, 'parsed'), (3, 'executed'), (4, 'accepted'), (5, 'trained')
)
SELECT
    reached.round,
    reached.dataset,
    reached.question_type,
    stages.place,
    stages.stage,
    count(*) FILTER (reached.place >= stages.place) AS proposals,
    count(*) FILTER (reached.place >= stages.place) / count(*) AS share,
    round(sum(reached.asks) FILTER (reached.place >= stages.place), 2) AS requests,
    coalesce(sum(reached.spent) FILTER (reached.place >= stages.place), 0)::BIGINT AS tokens,
    coalesce(sum(reached.took) FILTER (reached.place >= stages.place), 0) AS seconds,
    CASE WHEN tokens > 0 THEN tokens / nullif(seconds, 0) END AS tokens_per_second,
    1000 * count(*) FILTER (reached.place >= stages.place) / nullif(sum(reached.spent), 0)
        AS per_1000_tokens
FROM reached
CROSS JOIN stages
GROUP BY reached.round, reached.dataset, reached.question_type, stages.place, stages.stage;
