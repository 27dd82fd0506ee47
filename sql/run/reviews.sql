-- purpose: what the reviewing model made of proposals; stands in until a run has written it
-- parameters: none
-- columns: as below
-- grain: a reviewed proposal
CREATE TABLE reviews (
    proposal_id VARCHAR,
    round INTEGER,
    scene_id VARCHAR,
    accepted BOOLEAN, -- by the other judges
    opinion VARCHAR, -- keep, shortcut, noisy, unclear; NULL where the reply could not be read
    note VARCHAR,
    model VARCHAR,
    prompt_hash VARCHAR,
    tokens BIGINT,
    seconds DOUBLE
);
