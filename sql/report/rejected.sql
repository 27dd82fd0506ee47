-- purpose: rejected proposals, with the judges' reasons and messages
-- parameters: most: how many at most; an even choice, by a hash of their ids
-- columns: proposal_id, round, scene_id, dataset, question_type, reason, message, margin, question,
--   program, answer (JSON), raw (the reply, where no question
--   could be read from it), object_ids (of the objects its program looked at)
-- grain: a rejected proposal, by scene, question type and id
WITH chosen AS (
    SELECT *
    FROM rejections
    WHERE round >= 1
    ORDER BY md5(proposal_id), proposal_id
    LIMIT $most::BIGINT
)
SELECT
    chosen.proposal_id,
    chosen.round,
    chosen.scene_id,
    chosen.dataset,
    chosen.question_type,
    chosen.reason,
    chosen.message,
    chosen.margin,
    chosen.question,
    chosen.program,
    chosen.answer,
    CASE WHEN coalesce(chosen.question, '') = '' THEN chosen.raw END AS raw,
    outcomes.trace.object_ids AS object_ids
FROM chosen
LEFT JOIN outcomes ON outcomes.proposal_id = chosen.proposal_id
ORDER BY chosen.scene_id, chosen.question_type, chosen.proposal_id;
