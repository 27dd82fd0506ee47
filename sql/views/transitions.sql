-- purpose: how labels moved between the rounds in which a sample was observed one after another
-- parameters: none
-- columns: from_round, to_round, from_label, to_label, samples (how many)
-- grain: a pair of rounds and of labels that occurs
CREATE VIEW transitions AS
SELECT
    before_round AS from_round,
    round AS to_round,
    label_of(before_confidence) AS from_label,
    label_of(confidence) AS to_label,
    count(*) AS samples
FROM round_observations
WHERE before_round IS NOT NULL
GROUP BY ALL;
