-- purpose: how labels moved from round to round
-- parameters: none
-- columns: from_round, to_round, from_label, to_label, samples
-- grain: a pair of rounds and of labels that occurs
SELECT * FROM transitions ORDER BY from_round, to_round, from_label, to_label;
