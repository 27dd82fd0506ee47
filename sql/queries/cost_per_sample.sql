-- purpose: what an accepted sample costs the proposing model, by question type
-- parameters: round: only this round (optional)
-- columns: round, question_type (NULL: could not be read), proposed, accepted, requests, tokens,
--   seconds (all three of all proposals), tokens_per_sample, seconds_per_sample (spent for each
--   accepted sample), wasted (share of the tokens spent on what was rejected)
-- grain: a round and question type, the dearest first; no rows where no model proposed
WITH spent AS (
    SELECT
        round,
        question_type,
        sum(proposals) FILTER (stage = 'proposed')::BIGINT AS proposed,
        sum(proposals) FILTER (stage = 'accepted')::BIGINT AS accepted,
        sum(requests) FILTER (stage = 'proposed') AS requests,
        sum(tokens) FILTER (stage = 'proposed')::BIGINT AS tokens,
        sum(seconds) FILTER (stage = 'proposed') AS seconds,
        sum(tokens) FILTER (stage = 'accepted')::BIGINT AS kept
    FROM "yield"
    WHERE $round::INTEGER IS NULL OR round = $round::INTEGER
    GROUP BY round, question_type
)
SELECT
    round,
    question_type,
    proposed,
    accepted,
    round(requests, 1) AS requests,
    tokens,
    round(seconds, 1) AS seconds,
    round(tokens / nullif(accepted, 0), 1) AS tokens_per_sample,
    round(seconds / nullif(accepted, 0), 3) AS seconds_per_sample,
    round(1 - kept / tokens, 4) AS wasted
FROM spent
WHERE tokens > 0
ORDER BY round, tokens_per_sample DESC NULLS FIRST, question_type;
