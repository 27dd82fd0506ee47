-- purpose: why proposals were rejected, round by round
-- parameters: none
-- columns: round, reason, rejected, share (of the round's judged proposals)
-- grain: a round from 1 on and a reason that occurs
WITH judged AS (
    SELECT round, count(*) AS proposals
    FROM verdicts
    GROUP BY round
)
SELECT
    verdicts.round,
    verdicts.reason,
    count(*) AS rejected,
    count(*) / any_value(judged.proposals) AS share
FROM verdicts
JOIN judged ON judged.round = verdicts.round
WHERE NOT verdicts.accepted AND verdicts.round >= 1
GROUP BY verdicts.round, verdicts.reason
ORDER BY verdicts.round, verdicts.reason;
