-- purpose: one line a round: proposals, rejections, labels, held-out accuracy
-- parameters: none
-- columns: as the view round_summary
-- grain: a round from 1 on, in order
SELECT * FROM round_summary ORDER BY round;
