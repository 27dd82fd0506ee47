-- purpose: how far the reviewing model agrees with the other judges on proposals with an answer
-- parameters: none
-- columns: round, model, asked, keep, shortcut, noisy, unclear and unread (opinions), both_keep,
--   both_reject, only_reviewer and only_judges (rejected by that side alone), rejected (by the other
--   judges, asked about or not), rate (of agreement, weighted back to all of these proposals; NULL
--   where the reviews do not tell), kappa (Cohen's, likewise)
-- grain: a round with reviews
CREATE VIEW review_agreement AS
WITH counted AS (
    SELECT
        round,
        any_value(model) AS model,
        count(*) AS asked,
        count(*) FILTER (opinion = 'keep') AS keep,
        count(*) FILTER (opinion = 'shortcut') AS shortcut,
        count(*) FILTER (opinion = 'noisy') AS noisy,
        count(*) FILTER (opinion = 'unclear') AS unclear,
        count(*) FILTER (opinion IS NULL) AS unread,
        count(*) FILTER (accepted AND opinion = 'keep') AS both_keep,
        count(*) FILTER (NOT accepted AND opinion <> 'keep') AS both_reject,
        count(*) FILTER (accepted AND opinion <> 'keep') AS only_reviewer,
        count(*) FILTER (NOT accepted AND opinion = 'keep') AS only_judges,
        count(*) FILTER (accepted) AS of_accepted,
        count(*) FILTER (NOT accepted) AS of_rejected
    FROM reviews
    GROUP BY round
),
-- What the sampled rejections were drawn from: a reviewer of one question at a time cannot know
-- that it is a duplicate or leaked.
eligible AS (
    SELECT verdicts.round, count(*) AS rejected
    FROM verdicts
    JOIN outcomes ON outcomes.proposal_id = verdicts.proposal_id
    WHERE
        NOT verdicts.accepted
        AND verdicts.reason NOT IN ('duplicate', 'leaked', 'review')
        AND outcomes.answer IS NOT NULL
    GROUP BY verdicts.round
),
sized AS (
    SELECT
        counted.*,
        greatest(coalesce(eligible.rejected, 0), counted.of_rejected) AS rejected
    FROM counted
    LEFT JOIN eligible ON eligible.round = counted.round
),
-- Proposals the reviewer keeps: each read review stands for its kind's proposals / read reviews.
weighted AS (
    SELECT
        *,
        of_accepted + rejected AS total,
        CASE
            WHEN of_accepted = 0 THEN 0.0::DOUBLE
            ELSE both_keep * of_accepted / nullif(both_keep + only_reviewer, 0)
        END AS kept_accepted,
        CASE
            WHEN rejected = 0 THEN 0.0::DOUBLE
            ELSE only_judges * rejected / nullif(both_reject + only_judges, 0)
        END AS kept_rejected
    FROM sized
),
rated AS (
    SELECT
        *,
        (kept_accepted + rejected - kept_rejected) / total AS rate,
        of_accepted / total * ((kept_accepted + kept_rejected) / total)
        + (1 - of_accepted / total) * (1 - (kept_accepted + kept_rejected) / total) AS by_chance
    FROM weighted
)
SELECT
    round,
    model,
    asked,
    keep,
    shortcut,
    noisy,
    unclear,
    unread,
    both_keep,
    both_reject,
    only_reviewer,
    only_judges,
    rejected,
    rate,
    CASE
        WHEN of_accepted > 0 AND rejected > 0 THEN (rate - by_chance) / (1 - by_chance)
    END AS kappa
FROM rated;
