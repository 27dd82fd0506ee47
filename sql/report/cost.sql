-- purpose: what proposing with a model cost
-- parameters: none
-- columns: round, requests, prompt_tokens, completion_tokens, seconds, proposed, accepted,
--   accepted_per_1000_tokens, judging_requests, judging_tokens
-- grain: a round in which a model proposed (0: the held-out questions)
SELECT
    round, requests, prompt_tokens, completion_tokens, seconds, proposed, accepted,
    accepted_per_1000_tokens, judging_requests, judging_tokens
FROM cost
ORDER BY round;
