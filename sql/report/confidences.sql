-- purpose: how confidence is distributed after each round
-- parameters: none
-- columns: round, bin (0 to 19: twentieths of [0, 1], 1 itself in the last), samples
-- grain: a round and a twentieth that occurs
SELECT round, least(19, floor(confidence * 20)::INTEGER) AS bin, count(*) AS samples
FROM trajectory
WHERE confidence IS NOT NULL
GROUP BY ALL
ORDER BY round, bin;
