-- purpose: which datasets the scenes are from, and on what terms
-- parameters: none
-- columns: dataset, licence, scenes
-- grain: a dataset and licence
SELECT dataset, licence, count(*) AS scenes
FROM scenes
GROUP BY dataset, licence
ORDER BY scenes DESC, dataset, licence;
