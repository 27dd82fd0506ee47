-- purpose: how labels moved between the rounds in which a sample was observed one after another
-- parameters: none
-- columns: from_round, to_round, from_label, to_label, samples
-- grain: a pair of rounds and of labels that occurs
CREATE VIEW transitions AS
WITH steps AS (
    SELECT
        lag(round) OVER each AS from_round,
        round AS to_round,
        lag(label) OVER each AS from_label,
        label AS to_label
    FROM trajectory
    WINDOW each AS (PARTITION BY sample_id ORDER BY round)
)
SELECT from_round, to_round, from_label, to_label, count(*) AS samples
FROM steps
WHERE from_round IS NOT NULL
GROUP BY from_round, to_round, from_label, to_label;
