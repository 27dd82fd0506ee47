-- purpose: where easy ends and hard begins, and from which confidence, for every view that names a
--   label
-- parameters: easy_above: confidence above which a sample is easy (0.9 by default);
--   hard_below: confidence below which a sample is hard (0.1 by default); estimate: what a sample's
--   label now is read from, last or smoothed; half_life: rounds after which a confidence counts half
-- columns: easy_above, hard_below, estimate, half_life
-- grain: one row
CREATE TABLE label_thresholds AS
SELECT
    $easy_above::DOUBLE AS easy_above,
    $hard_below::DOUBLE AS hard_below,
    $estimate::VARCHAR AS estimate,
    $half_life::DOUBLE AS half_life;
