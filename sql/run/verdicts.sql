-- purpose: what became of each proposal; stands in until a run has written it
-- parameters: none
-- columns: as below
-- grain: a proposal
CREATE TABLE verdicts (
    proposal_id VARCHAR,
    round INTEGER,
    scene_id VARCHAR,
    accepted BOOLEAN,
    reason VARCHAR, -- one of the closed set; NULL where accepted
    message VARCHAR,
    margin DOUBLE, -- above (negative: below) its threshold
    stability DOUBLE, -- share of jittered copies that agree
    agreement BOOLEAN, -- the question asks what the program computes
    prior_score DOUBLE, -- how far other scenes give the answer away
    milliseconds DOUBLE,
    blind_confidence DOUBLE -- the solver's in the right answer, without pictures, where asked
);
