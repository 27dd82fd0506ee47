-- purpose: what a model was asked and answered, with its cost; stands in until a run has written it
-- parameters: none
-- columns: as below
-- grain: a request
CREATE TABLE requests (
    request_key VARCHAR, -- names the whole request: prompt, constraint, sampling, model, revision
    round INTEGER,
    scene_id VARCHAR,
    conversation VARCHAR, -- the turns that belong together
    purpose VARCHAR, -- program, question, proposals, repair; own program, review
    model VARCHAR,
    asked VARCHAR, -- the last turn; the scene's prompt stands in prompts
    answer VARCHAR, -- as the model wrote it
    finish VARCHAR, -- stop, length, overflow, refused
    detail VARCHAR, -- why there is no answer
    prompt_tokens BIGINT,
    completion_tokens BIGINT,
    seconds DOUBLE -- its share of the engine's time; adds up to time that passed
);
