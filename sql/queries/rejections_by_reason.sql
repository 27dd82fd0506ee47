-- purpose: why proposals are rejected, the most frequent reason first
-- parameters: none
-- columns: round, reason, rejected, share (of the round's rejections), example (a message)
-- grain: a round and reason
SELECT
    round,
    reason,
    count(*) AS rejected,
    round(count(*) / sum(count(*)) OVER (PARTITION BY round), 4) AS share,
    min(message) AS example
FROM verdicts
WHERE NOT accepted
GROUP BY round, reason
ORDER BY round, rejected DESC, reason;
