-- purpose: what proposing with a model cost in each round, and what came of it
-- parameters: none
-- columns: round, requests, prompt_tokens, completion_tokens, tokens (both; of what was answered),
--   seconds (of the engine, loading aside), tokens_per_second, proposed, accepted, accepted_per_1000_tokens,
--   cut (answers that ran into their limit), failed (prompts too long, requests refused),
--   judging_requests, judging_tokens (own programs and reviews, not counted in the others)
-- grain: a round in which a model proposed (0: the held-out questions)
CREATE VIEW cost AS
WITH asked AS (
    SELECT
        round,
        count(*) AS requests,
        coalesce(sum(prompt_tokens) FILTER (finish IN ('stop', 'length')), 0)::BIGINT
            AS prompt_tokens,
        coalesce(sum(completion_tokens) FILTER (finish IN ('stop', 'length')), 0)::BIGINT
            AS completion_tokens,
        sum(seconds) AS seconds,
        count(*) FILTER (finish = 'length') AS cut,
        count(*) FILTER (finish IN ('overflow', 'refused')) AS failed
    FROM requests
    WHERE purpose NOT IN ('own program', 'review')
    GROUP BY round
),
judged AS (
    SELECT
        round,
        count(*) AS requests,
        sum(prompt_tokens + completion_tokens)::BIGINT AS tokens
    FROM requests
    WHERE purpose IN ('own program', 'review')
    GROUP BY round
),
made AS (
    SELECT round, count(*) AS proposed
    FROM proposals
    GROUP BY round
),
kept AS (
    SELECT round, count(*) AS accepted
    FROM verdicts
    WHERE accepted
    GROUP BY round
)
SELECT
    asked.round,
    asked.requests,
    asked.prompt_tokens,
    asked.completion_tokens,
    asked.prompt_tokens + asked.completion_tokens AS tokens,
    asked.seconds,
    tokens / nullif(asked.seconds, 0) AS tokens_per_second,
    coalesce(made.proposed, 0) AS proposed,
    coalesce(kept.accepted, 0) AS accepted,
    1000 * coalesce(kept.accepted, 0) / nullif(tokens, 0) AS accepted_per_1000_tokens,
    asked.cut,
    asked.failed,
    coalesce(judged.requests, 0) AS judging_requests,
    coalesce(judged.tokens, 0) AS judging_tokens
FROM asked
LEFT JOIN made ON made.round = asked.round
LEFT JOIN kept ON kept.round = asked.round
LEFT JOIN judged ON judged.round = asked.round;
