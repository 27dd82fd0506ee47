-- purpose: why each proposer's proposals are rejected, round by round
-- parameters: round: only this round (optional)
-- columns: proposer, round, reason, rejected, share (of the proposer's proposals in the round),
--   question_types (the three it hits most, with counts)
-- grain: a proposer, round and reason, the most frequent first
WITH judged AS (
    SELECT
        proposals.proposer,
        proposals.round,
        verdicts.reason,
        nullif(proposals.question_type, '') AS question_type,
        count(*) AS times
    FROM proposals
    LEFT JOIN verdicts ON verdicts.proposal_id = proposals.proposal_id
    WHERE $round::INTEGER IS NULL OR proposals.round = $round::INTEGER
    GROUP BY ALL
),
ranked AS (
    SELECT
        *,
        sum(times) OVER (PARTITION BY proposer, round) AS proposed,
        row_number() OVER (
            PARTITION BY proposer, round, reason ORDER BY times DESC, question_type
        ) AS place
    FROM judged
)
SELECT
    proposer,
    round,
    reason,
    sum(times)::BIGINT AS rejected,
    round(sum(times) / any_value(proposed), 4) AS share,
    string_agg(coalesce(question_type, 'unreadable') || ' ' || times, ', ' ORDER BY place)
        FILTER (place <= 3) AS question_types
FROM ranked
WHERE reason IS NOT NULL
GROUP BY proposer, round, reason
ORDER BY proposer, round, rejected DESC, reason;
