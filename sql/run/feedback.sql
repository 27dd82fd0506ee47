-- purpose: what the proposer is told about each scene after a round
--   (stands in until a run has written it)
-- parameters: none
-- columns: as below
-- grain: a scene and round
CREATE TABLE feedback (
    round INTEGER,
    scene_id VARCHAR,
    items STRUCT(
        question VARCHAR,
        answer VARCHAR,
        question_type VARCHAR,
        difficulty VARCHAR,
        confidence DOUBLE
    )[], -- questions trained on
    types STRUCT(
        question_type VARCHAR,
        proposed BIGINT,
        accepted BIGINT,
        easy BIGINT,
        frontier BIGINT,
        hard BIGINT
    )[] -- over all scenes
);
