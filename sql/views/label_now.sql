-- purpose: the label a sample has now: of its latest confidence, or of the smoothed one where the
--   configuration's curriculum.estimate says so
-- parameters: confidence: the latest; smoothed: the mean over rounds (the macro's arguments)
-- columns: none
-- grain: a scalar macro
CREATE MACRO label_now(confidence, smoothed) AS label_of(
    CASE
        WHEN (SELECT estimate FROM label_thresholds) = 'smoothed' THEN smoothed
        ELSE confidence
    END
);
