-- purpose: where easy ends and hard begins, for every view that names a label
-- parameters: easy_above: confidence above which a sample is easy (0.9 by default);
--   hard_below: confidence below which a sample is hard (0.1 by default)
-- columns: easy_above, hard_below
-- grain: one row
CREATE TABLE label_thresholds AS
SELECT $easy_above::DOUBLE AS easy_above, $hard_below::DOUBLE AS hard_below;
