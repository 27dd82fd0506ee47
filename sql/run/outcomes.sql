-- purpose: what running each proposal's program gave; stands in until a run has written it
-- parameters: none
-- columns: as below
-- grain: a program run
CREATE TABLE outcomes (
    proposal_id VARCHAR,
    round INTEGER,
    ok BOOLEAN,
    answer VARCHAR, -- JSON: a number, text, bool or list
    reason VARCHAR, -- why there is no answer
    message VARCHAR,
    margin DOUBLE, -- of the tightest decision, in its unit
    ms DOUBLE,
    trace STRUCT(
        calls VARCHAR[],
        labels VARCHAR[],
        object_ids VARCHAR[],
        frame_ids VARCHAR[],
        referents STRUCT(label VARCHAR, count BIGINT)[],
        "values" STRUCT(call VARCHAR, value DOUBLE)[],
        decisions STRUCT(kind VARCHAR, measured DOUBLE, threshold DOUBLE, unit VARCHAR)[]
    ) -- what the program touched
);
