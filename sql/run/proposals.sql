-- purpose: what a proposer wrote; stands in until a run has written it
-- parameters: none
-- columns: as below
-- grain: a proposal
CREATE TABLE proposals (
    proposal_id VARCHAR,
    round INTEGER, -- 0 for those asked of held-out rooms
    scene_id VARCHAR,
    question VARCHAR, -- empty where unreadable
    question_type VARCHAR, -- empty where unreadable
    program VARCHAR,
    answer_kind VARCHAR, -- number, count, choice, order, yes_no
    unit VARCHAR, -- m, cm, m2, deg, s
    options VARCHAR[],
    decimals INTEGER,
    proposer VARCHAR,
    prompt_hash VARCHAR,
    tokens BIGINT,
    seconds DOUBLE,
    raw VARCHAR, -- the text it was read from
    parse_error VARCHAR -- why it could not be read
);
