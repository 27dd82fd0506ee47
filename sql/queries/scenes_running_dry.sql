-- purpose: scenes that run dry: few of their newest proposals become samples, the driest first
-- parameters: least: fewest proposals in the scene's newest round (default: 4);
--   top: how many scenes (default: 20)
-- columns: scene_id, dataset, round (the scene's newest), proposed, accepted (both in that round),
--   rate, rate_before (of all its rounds before), duplicates (share of the round's proposals),
--   samples (of all rounds), frontier (share of those trained on)
-- grain: a scene
WITH judged AS (
    SELECT
        scene_id,
        round,
        count(*) AS proposed,
        count(*) FILTER (accepted) AS accepted,
        count(*) FILTER (reason = 'duplicate') AS duplicates
    FROM verdicts
    WHERE round >= 1
    GROUP BY scene_id, round
),
newest AS (
    SELECT scene_id, max(round) AS round
    FROM judged
    GROUP BY scene_id
),
compared AS (
    SELECT
        judged.scene_id,
        newest.round,
        sum(judged.proposed) FILTER (judged.round = newest.round)::BIGINT AS proposed,
        sum(judged.accepted) FILTER (judged.round = newest.round)::BIGINT AS accepted,
        sum(judged.duplicates) FILTER (judged.round = newest.round) AS duplicates,
        sum(judged.accepted) FILTER (judged.round < newest.round)
        / sum(judged.proposed) FILTER (judged.round < newest.round) AS rate_before,
        sum(judged.accepted)::BIGINT AS samples
    FROM judged
    JOIN newest ON newest.scene_id = judged.scene_id
    GROUP BY judged.scene_id, newest.round
),
hardness AS (
    SELECT scene_id, avg((label = 'frontier')::INTEGER) AS frontier
    FROM difficulty
    GROUP BY scene_id
)
SELECT
    compared.scene_id,
    scenes.dataset,
    compared.round,
    compared.proposed,
    compared.accepted,
    round(compared.accepted / compared.proposed, 4) AS rate,
    round(compared.rate_before, 4) AS rate_before,
    round(compared.duplicates / compared.proposed, 4) AS duplicates,
    compared.samples,
    round(hardness.frontier, 4) AS frontier
FROM compared
LEFT JOIN scenes ON scenes.scene_id = compared.scene_id
LEFT JOIN hardness ON hardness.scene_id = compared.scene_id
WHERE compared.proposed >= $least::INTEGER
ORDER BY rate, compared.proposed DESC, compared.scene_id
LIMIT $top::BIGINT;
