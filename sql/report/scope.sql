-- purpose: what a report is about, in one row: how much there is and how far the loop has come
-- parameters: none
-- columns: scenes, proposals (round 0, the held-out questions, aside), train_samples, held_out_samples,
--   rejected, proposed_round, trained_round (the newest that proposed, trained; NULL for none),
--   easy_above, hard_below
-- grain: one row
SELECT
    (SELECT count(*) FROM scenes) AS scenes,
    (SELECT count(*) FROM proposals WHERE round >= 1) AS proposals,
    (SELECT count(*) FROM samples WHERE split = 'train') AS train_samples,
    (SELECT count(*) FROM samples WHERE split <> 'train') AS held_out_samples,
    (SELECT count(*) FROM verdicts WHERE NOT accepted AND round >= 1) AS rejected,
    (SELECT max(round) FROM proposals WHERE round >= 1) AS proposed_round,
    (SELECT max(round) FROM trajectory) AS trained_round,
    easy_above,
    hard_below
FROM label_thresholds;
