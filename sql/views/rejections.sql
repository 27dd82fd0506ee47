-- purpose: every rejected proposal with the reason and what was measured
-- parameters: none
-- columns: proposal_id, round, scene_id, dataset, question_type (NULL where unreadable), reason,
--   message, margin, stability, agreement, prior_score, question, program, answer (JSON), raw
-- grain: a rejected proposal
CREATE VIEW rejections AS
SELECT
    verdicts.proposal_id,
    verdicts.round,
    verdicts.scene_id,
    scenes.dataset,
    nullif(proposals.question_type, '') AS question_type,
    verdicts.reason,
    verdicts.message,
    verdicts.margin,
    verdicts.stability,
    verdicts.agreement,
    verdicts.prior_score,
    proposals.question,
    proposals.program,
    outcomes.answer,
    proposals.raw
FROM verdicts
LEFT JOIN proposals ON proposals.proposal_id = verdicts.proposal_id
LEFT JOIN outcomes ON outcomes.proposal_id = verdicts.proposal_id
LEFT JOIN scenes ON scenes.scene_id = verdicts.scene_id
WHERE NOT verdicts.accepted;
