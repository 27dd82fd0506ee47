-- purpose: how far the solver contradicts each scene's answers after a round
--   (stands in until a run has written it)
-- parameters: none
-- columns: as below
-- grain: a round and scene with at least 3 subjects that were trained on
CREATE TABLE scene_doubts (
    round INTEGER,
    scene_id VARCHAR,
    dataset VARCHAR,
    samples BIGINT, -- trained on by then
    subjects BIGINT, -- sets of objects they rest on
    gap DOUBLE, -- mean log odds of a subject's last confidences, less those of their like elsewhere
    doubt DOUBLE -- standard deviations by which gap lies below the median scene's
);
