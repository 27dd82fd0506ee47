-- purpose: the label of a confidence; both thresholds themselves are frontier
-- parameters: confidence: in [0, 1] (the macro's argument)
-- columns: none
-- grain: a scalar macro
CREATE MACRO label_of(confidence) AS CASE
    WHEN confidence > (SELECT easy_above FROM label_thresholds) THEN 'easy'
    WHEN confidence < (SELECT hard_below FROM label_thresholds) THEN 'hard'
    WHEN confidence IS NOT NULL THEN 'frontier'
END;
