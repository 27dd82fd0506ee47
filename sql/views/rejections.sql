-- purpose: every rejected proposal with the reason and what was measured
-- parameters: none
-- columns: proposal_id, round, scene_id, dataset, question_type (NULL where unreadable),
--   reason (one of the closed set), message (what was found), margin (above, negative below, its
--   threshold), stability (share of jittered copies that agree), agreement (the question asks what
--   the program computes), prior_score (how far other scenes give the answer away), question,
--   program, answer (what the program gave, JSON), raw (the text it was read from)
-- grain: a rejected proposal
CREATE VIEW rejections AS
WITH rejected AS (
    SELECT verdicts.*, scenes.dataset
    FROM verdicts
    LEFT JOIN scenes ON scenes.scene_id = verdicts.scene_id
    WHERE NOT verdicts.accepted
),
answered AS (
    SELECT proposal_id, answer FROM outcomes WHERE answer IS NOT NULL
)
SELECT
    rejected.proposal_id,
    rejected.round,
    rejected.scene_id,
    rejected.dataset,
    nullif(proposals.question_type, '') AS question_type,
    rejected.reason,
    rejected.message,
    rejected.margin,
    rejected.stability,
    rejected.agreement,
    rejected.prior_score,
    proposals.question,
    proposals.program,
    answered.answer,
    proposals.raw
-- The widest table first: the others are looked up for each of its rows, not the other way round.
FROM proposals
JOIN rejected ON rejected.proposal_id = proposals.proposal_id
LEFT JOIN answered ON answered.proposal_id = proposals.proposal_id;
