-- purpose: what the reviewing model says of what the other judges accepted and rejected
-- parameters: none
-- columns: round, judges (accepted, or the other judges' reason), asked, keep, shortcut, noisy,
--   unclear, unread, agrees (share of those read), round_kappa (Cohen's, of the whole round),
--   objection (an example of the model's own words)
-- grain: a round and what the other judges decided, the most asked about first
SELECT
    reviews.round,
    CASE WHEN reviews.accepted THEN 'accepted' ELSE verdicts.reason END AS judges,
    count(*) AS asked,
    count(*) FILTER (reviews.opinion = 'keep') AS keep,
    count(*) FILTER (reviews.opinion = 'shortcut') AS shortcut,
    count(*) FILTER (reviews.opinion = 'noisy') AS noisy,
    count(*) FILTER (reviews.opinion = 'unclear') AS unclear,
    count(*) FILTER (reviews.opinion IS NULL) AS unread,
    round(avg((reviews.accepted = (reviews.opinion = 'keep'))::INTEGER), 4) AS agrees,
    round(any_value(review_agreement.kappa), 4) AS round_kappa,
    min(reviews.note) FILTER (reviews.opinion <> 'keep') AS objection
FROM reviews
LEFT JOIN verdicts ON verdicts.proposal_id = reviews.proposal_id
LEFT JOIN review_agreement ON review_agreement.round = reviews.round
GROUP BY reviews.round, judges
ORDER BY reviews.round, asked DESC, judges;
