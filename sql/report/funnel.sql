-- purpose: how many proposals of each round get how far
-- parameters: none
-- columns: round, place (1 to 5), stage (proposed, parsed, executed, accepted, trained), proposals
-- grain: a round from 1 on and a stage
SELECT round, place, stage, sum(proposals)::BIGINT AS proposals
FROM "yield"
WHERE round >= 1
GROUP BY ALL
ORDER BY round, place;
