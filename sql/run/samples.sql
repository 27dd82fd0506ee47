-- purpose: the accepted proposals with their answers; stands in until a run has written it
-- parameters: none
-- columns: as below
-- grain: a sample
CREATE TABLE samples (
    sample_id VARCHAR, -- content hash
    proposal_id VARCHAR,
    round INTEGER, -- the round it was made in
    scene_id VARCHAR,
    dataset VARCHAR,
    room_key VARCHAR,
    split VARCHAR, -- train or held_out
    question VARCHAR,
    question_type VARCHAR,
    program VARCHAR,
    answer_kind VARCHAR,
    unit VARCHAR,
    decimals INTEGER,
    options VARCHAR[],
    answer VARCHAR, -- as text
    object_ids VARCHAR[], -- objects the answer rests on
    frame_ids VARCHAR[], -- frames the question is asked on
    margin DOUBLE,
    benchmark BOOLEAN -- made from a benchmark's scene
);
