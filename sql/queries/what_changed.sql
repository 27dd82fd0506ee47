-- purpose: what another round's feedback changed: the mix proposed and how hard it turned out
-- parameters: a: the earlier round; b: the later round
-- columns: question_type, proposed_share_a, proposed_share_b, accepted_a, accepted_b (share of
--   those proposed), frontier_a, frontier_b (share of those trained on in the round), confidence_a,
--   confidence_b (mean)
-- grain: a question type that occurs in one of the two rounds, by name
WITH asked AS (
    SELECT
        nullif(proposals.question_type, '') AS question_type,
        proposals.round,
        count(*) / sum(count(*)) OVER (PARTITION BY proposals.round) AS share,
        avg(coalesce(verdicts.accepted, FALSE)::INTEGER) AS accepted
    FROM proposals
    LEFT JOIN verdicts ON verdicts.proposal_id = proposals.proposal_id
    WHERE proposals.round IN ($a::INTEGER, $b::INTEGER)
    GROUP BY proposals.question_type, proposals.round
),
seen AS (
    SELECT
        question_type,
        round,
        avg((label = 'frontier')::INTEGER) AS frontier,
        avg(confidence) AS confidence
    FROM trajectory
    WHERE round IN ($a::INTEGER, $b::INTEGER)
    GROUP BY question_type, round
),
both_rounds AS (
    SELECT
        coalesce(asked.question_type, seen.question_type) AS question_type,
        coalesce(asked.round, seen.round) AS round,
        asked.share,
        asked.accepted,
        seen.frontier,
        seen.confidence
    FROM asked
    FULL JOIN seen ON seen.question_type = asked.question_type AND seen.round = asked.round
)
SELECT
    question_type,
    round(coalesce(any_value(share) FILTER (round = $a::INTEGER), 0), 4) AS proposed_share_a,
    round(coalesce(any_value(share) FILTER (round = $b::INTEGER), 0), 4) AS proposed_share_b,
    round(any_value(accepted) FILTER (round = $a::INTEGER), 4) AS accepted_a,
    round(any_value(accepted) FILTER (round = $b::INTEGER), 4) AS accepted_b,
    round(any_value(frontier) FILTER (round = $a::INTEGER), 4) AS frontier_a,
    round(any_value(frontier) FILTER (round = $b::INTEGER), 4) AS frontier_b,
    round(any_value(confidence) FILTER (round = $a::INTEGER), 4) AS confidence_a,
    round(any_value(confidence) FILTER (round = $b::INTEGER), 4) AS confidence_b
FROM both_rounds
GROUP BY question_type
ORDER BY question_type;
