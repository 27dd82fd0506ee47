-- purpose: the table standings, of the newest round, made from the compacted rounds of a workspace
--   that was written before standings were kept
-- parameters: none
-- columns: as the table standings
-- grain: a sample that was observed
CREATE VIEW standings AS
WITH newest AS (
    SELECT max(round) AS round FROM round_observations
),
last_seen AS (
    SELECT sample_id, max(round) AS last_round
    FROM round_observations
    GROUP BY sample_id
),
-- A round's confidence counts half every half_life rounds since.
summed AS (
    SELECT
        each.sample_id,
        sum(each.times_seen)::BIGINT AS times_seen,
        count(*)::INTEGER AS rounds_seen,
        max_by(each.round, (each.confidence, each.round)) FILTER (each.round < last_round)
            AS best_round,
        max(each.confidence) FILTER (each.round < last_round) AS best_confidence,
        coalesce(bool_or(each.correct) FILTER (each.round < last_round), FALSE) AS was_correct,
        sum(0.5 ** ((newest.round - each.round) / label_thresholds.half_life)) AS support,
        sum(0.5 ** ((newest.round - each.round) / label_thresholds.half_life) * each.confidence)
            AS evidence
    FROM round_observations AS each
    JOIN last_seen ON last_seen.sample_id = each.sample_id
    CROSS JOIN newest
    CROSS JOIN label_thresholds
    GROUP BY each.sample_id
)
SELECT
    latest.sample_id,
    newest.round,
    latest.round AS last_round,
    latest.step,
    latest.confidence,
    latest.correct,
    summed.times_seen,
    summed.rounds_seen,
    latest.before_round,
    latest.before_confidence,
    latest.before_correct,
    summed.best_round,
    summed.best_confidence,
    summed.was_correct,
    summed.support,
    summed.evidence,
    -- Mean and standard deviation of Beta(evidence + 0.5, support - evidence + 0.5).
    (summed.evidence + 0.5) / (summed.support + 1) AS smoothed,
    sqrt(smoothed * (1 - smoothed) / (summed.support + 2)) AS uncertainty,
    latest.question_type,
    latest.scene_id,
    latest.dataset
FROM round_observations AS latest
JOIN last_seen
    ON last_seen.sample_id = latest.sample_id AND last_seen.last_round = latest.round
JOIN summed ON summed.sample_id = latest.sample_id
CROSS JOIN newest;
