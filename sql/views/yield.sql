-- purpose: how many proposals get how far
-- parameters: none
-- columns: round, dataset, question_type (NULL where the proposal could not be read),
--   place (1 to 5), stage (proposed, parsed, executed, accepted, trained),
--   proposals (that got at least that far), share (of those proposed), requests (to a model, a
--   request for several proposals shared evenly), tokens and seconds (of the model: a scene's cost
--   is its proposals'), tokens_per_second, per_1000_tokens (proposals that got that far for every
--   1000 tokens spent on all of them; the cost is 0 and the rates NULL where no model proposed)
-- grain: a round, dataset, question type and stage; stages nobody reached have a row with 0
CREATE VIEW "yield" AS
WITH asked AS (
    SELECT round, scene_id, count(*) AS requests
    FROM requests
    WHERE purpose NOT IN ('own program', 'review')
    GROUP BY round, scene_id
),
-- What each proposal of a scene cost in requests.
shared AS (
    SELECT
        proposals.round,
        proposals.scene_id,
        any_value(scenes.dataset) AS dataset,
        coalesce(any_value(asked.requests), 0) / count(*) AS requests
    FROM proposals
    LEFT JOIN scenes ON scenes.scene_id = proposals.scene_id
    LEFT JOIN asked ON asked.round = proposals.round AND asked.scene_id = proposals.scene_id
    GROUP BY proposals.round, proposals.scene_id
),
answered AS (
    SELECT proposal_id FROM outcomes WHERE ok
),
-- An accepted proposal is a sample; reading these leaves one table less to look up.
accepted AS (
    SELECT samples.proposal_id, standings.sample_id IS NOT NULL AS trained
    FROM samples
    LEFT JOIN standings ON standings.sample_id = samples.sample_id
),
-- Summed up here already: the stages below would make five rows of each proposal.
reached AS MATERIALIZED (
    SELECT
        proposals.round,
        shared.dataset,
        nullif(proposals.question_type, '') AS question_type,
        CASE
            WHEN accepted.trained THEN 5
            WHEN accepted.proposal_id IS NOT NULL THEN 4
            WHEN answered.proposal_id IS NOT NULL THEN 3
            WHEN proposals.parse_error IS NULL THEN 2
            ELSE 1
        END AS place,
        count(*) AS proposals,
        sum(shared.requests) AS requests,
        sum(proposals.tokens) AS tokens,
        sum(proposals.seconds) AS seconds
    FROM proposals
    LEFT JOIN shared ON shared.round = proposals.round AND shared.scene_id = proposals.scene_id
    LEFT JOIN answered ON answered.proposal_id = proposals.proposal_id
    LEFT JOIN accepted ON accepted.proposal_id = proposals.proposal_id
    GROUP BY ALL
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
    coalesce(sum(reached.proposals) FILTER (reached.place >= stages.place), 0)::BIGINT AS proposals,
    coalesce(sum(reached.proposals) FILTER (reached.place >= stages.place), 0)::BIGINT
    / sum(reached.proposals)::BIGINT AS share,
    round(sum(reached.requests) FILTER (reached.place >= stages.place), 2) AS requests,
    coalesce(sum(reached.tokens) FILTER (reached.place >= stages.place), 0)::BIGINT AS tokens,
    coalesce(sum(reached.seconds) FILTER (reached.place >= stages.place), 0) AS seconds,
    CASE
        WHEN sum(reached.tokens) FILTER (reached.place >= stages.place) > 0
            THEN
                (sum(reached.tokens) FILTER (reached.place >= stages.place))::BIGINT
                / nullif(sum(reached.seconds) FILTER (reached.place >= stages.place), 0)
    END AS tokens_per_second,
    1000 * coalesce(sum(reached.proposals) FILTER (reached.place >= stages.place), 0)::BIGINT
    / nullif(sum(reached.tokens)::BIGINT, 0) AS per_1000_tokens
FROM reached
CROSS JOIN stages
GROUP BY reached.round, reached.dataset, reached.question_type, stages.place, stages.stage;
