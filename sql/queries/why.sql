-- purpose: everything known about one proposal: what it asks, what came out, each judge's number
-- parameters: proposal: a proposal_id, or the sample_id made from it
-- columns: fact, value (text)
-- grain: a fact that is known, in reading order
WITH wanted AS (
    SELECT $proposal::VARCHAR AS proposal_id
    UNION
    SELECT proposal_id FROM samples WHERE sample_id = $proposal::VARCHAR
),
chosen AS (
    SELECT
        proposals.proposal_id,
        proposals.round,
        proposals.scene_id,
        proposals.question_type,
        proposals.question,
        proposals.options,
        proposals.program,
        proposals.parse_error,
        outcomes.answer,
        outcomes.reason AS program_reason,
        nullif(outcomes.message, '') AS program_message,
        outcomes.trace.calls AS calls,
        outcomes.trace.object_ids AS objects,
        outcomes.trace.frame_ids AS frames,
        outcomes.trace.decisions AS decisions,
        CASE WHEN verdicts.accepted THEN 'accepted' WHEN NOT verdicts.accepted THEN 'rejected' END
            AS verdict,
        verdicts.reason,
        nullif(verdicts.message, '') AS message,
        verdicts.margin,
        verdicts.stability,
        verdicts.agreement,
        verdicts.prior_score,
        verdicts.blind_confidence,
        reviews.opinion AS reviewer,
        nullif(reviews.note, '') AS reviewer_note,
        samples.sample_id,
        samples.answer AS sample_answer,
        difficulty.label,
        difficulty.confidence,
        difficulty.times_seen,
        proposals.proposer,
        proposals.prompt_hash,
        proposals.tokens,
        prompts.left_out AS prompt_left_out
    -- Each table is cut down to the one proposal before it is joined.
    FROM (FROM proposals SEMI JOIN wanted USING (proposal_id)) AS proposals
    LEFT JOIN (FROM outcomes SEMI JOIN wanted USING (proposal_id)) AS outcomes
        ON outcomes.proposal_id = proposals.proposal_id
    LEFT JOIN (FROM verdicts SEMI JOIN wanted USING (proposal_id)) AS verdicts
        ON verdicts.proposal_id = proposals.proposal_id
    LEFT JOIN (FROM reviews SEMI JOIN wanted USING (proposal_id)) AS reviews
        ON reviews.proposal_id = proposals.proposal_id
    LEFT JOIN (FROM samples SEMI JOIN wanted USING (proposal_id)) AS samples
        ON samples.proposal_id = proposals.proposal_id
    LEFT JOIN prompts
        ON prompts.prompt_hash = proposals.prompt_hash
        AND prompts.round = proposals.round
        AND prompts.scene_id = proposals.scene_id
    LEFT JOIN (
        FROM difficulty
        SEMI JOIN (FROM samples SEMI JOIN wanted USING (proposal_id)) USING (sample_id)
    ) AS difficulty ON difficulty.sample_id = samples.sample_id
)
SELECT fact, value
FROM (SELECT COLUMNS(*)::VARCHAR FROM chosen) UNPIVOT (value FOR fact IN (COLUMNS(*)));
