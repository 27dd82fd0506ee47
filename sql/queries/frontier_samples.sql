-- purpose: the samples worth learning from now, the most undecided first
-- parameters: none
-- columns: sample_id, scene_id, question_type, confidence, round, question, answer
-- grain: a sample whose latest label is frontier
SELECT sample_id, scene_id, question_type, confidence, round, question, answer
FROM frontier
ORDER BY abs(confidence - 0.5), sample_id;
