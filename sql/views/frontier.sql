-- purpose: the samples worth learning from: neither easy nor hard at their latest observation
-- parameters: none
-- columns: as difficulty, and question, answer, program
-- grain: a sample whose label is frontier
CREATE VIEW frontier AS
SELECT difficulty.*, samples.question, samples.answer, samples.program
FROM difficulty
JOIN samples ON samples.sample_id = difficulty.sample_id
WHERE difficulty.label = 'frontier';
