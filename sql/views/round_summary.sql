-- purpose: the loop at a glance
-- parameters: none
-- columns: round, proposed, accepted, rejected, acceptance_rate (of those judged), top_rejections
--   (the three most frequent reasons with counts), easy, frontier and hard (labels at the round's last
--   observation of each sample), trained (distinct samples), held_out_accuracy (mean score in
--   [0, 1]), held_out_change (against the round before; round 0 is the base solver), blind_accuracy
--   (the same held-out questions without pictures), probe_accuracy (mean score on the fixed probe
--   set)
-- grain: a round from 1 on
CREATE VIEW round_summary AS
WITH rounds AS (
    SELECT round FROM proposals
    UNION
    SELECT round FROM round_observations
    UNION
    SELECT round FROM evaluations
),
made AS (
    SELECT round, count(*) AS proposed
    FROM proposals
    GROUP BY round
),
judged AS (
    SELECT
        round,
        count(*) FILTER (accepted) AS accepted,
        count(*) FILTER (NOT accepted) AS rejected
    FROM verdicts
    GROUP BY round
),
reasons AS (
    SELECT
        round,
        reason,
        count(*) AS times,
        row_number() OVER (PARTITION BY round ORDER BY count(*) DESC, reason) AS place
    FROM verdicts
    WHERE NOT accepted
    GROUP BY round, reason
),
top_reasons AS (
    SELECT round, string_agg(reason || ' ' || times, ', ' ORDER BY place) AS top_rejections
    FROM reasons
    WHERE place <= 3
    GROUP BY round
),
trained AS (
    SELECT
        round,
        count(*) FILTER (label = 'easy') AS easy,
        count(*) FILTER (label = 'frontier') AS frontier,
        count(*) FILTER (label = 'hard') AS hard,
        count(*) AS trained
    FROM trajectory
    GROUP BY round
),
held_out AS (
    SELECT round, avg(score) AS accuracy
    FROM evaluations
    GROUP BY round
),
blind AS (
    SELECT round, avg(score) AS accuracy
    FROM blind_evaluations
    GROUP BY round
),
probed AS (
    SELECT round, avg(score) AS accuracy
    FROM probes
    GROUP BY round
)
SELECT
    rounds.round,
    coalesce(made.proposed, 0) AS proposed,
    coalesce(judged.accepted, 0) AS accepted,
    coalesce(judged.rejected, 0) AS rejected,
    judged.accepted / nullif(judged.accepted + judged.rejected, 0) AS acceptance_rate,
    coalesce(top_reasons.top_rejections, '') AS top_rejections,
    coalesce(trained.easy, 0) AS easy,
    coalesce(trained.frontier, 0) AS frontier,
    coalesce(trained.hard, 0) AS hard,
    coalesce(trained.trained, 0) AS trained,
    held_out.accuracy AS held_out_accuracy,
    held_out.accuracy - before.accuracy AS held_out_change,
    blind.accuracy AS blind_accuracy,
    probed.accuracy AS probe_accuracy
FROM rounds
LEFT JOIN made ON made.round = rounds.round
LEFT JOIN judged ON judged.round = rounds.round
LEFT JOIN top_reasons ON top_reasons.round = rounds.round
LEFT JOIN trained ON trained.round = rounds.round
LEFT JOIN held_out ON held_out.round = rounds.round
LEFT JOIN blind ON blind.round = rounds.round
LEFT JOIN probed ON probed.round = rounds.round
LEFT JOIN held_out AS before ON before.round = rounds.round - 1
WHERE rounds.round >= 1;
