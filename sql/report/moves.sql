-- purpose: from which label to which samples went, in the round that observed them again
-- parameters: none
-- columns: round, from_label, to_label, samples
-- grain: a round and a pair of labels that occurs
SELECT to_round AS round, from_label, to_label, sum(samples)::BIGINT AS samples
FROM transitions
GROUP BY ALL
ORDER BY round, from_label, to_label;
