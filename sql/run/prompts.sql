-- purpose: what a model was told about each scene; stands in until a run has written it
-- parameters: none
-- columns: as below
-- grain: a prompt (a scene, round and size)
CREATE TABLE prompts (
    prompt_hash VARCHAR, -- as proposals carry it
    round INTEGER,
    scene_id VARCHAR,
    text VARCHAR, -- the same for all requests of the scene; each adds its own turn
    images VARCHAR[], -- SHA-256 of the pictures shown with it
    tokens BIGINT, -- an estimate for the text
    left_out VARCHAR -- what of the scene did not fit, in words
);
