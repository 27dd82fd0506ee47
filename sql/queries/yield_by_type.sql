-- purpose: how far each question type's proposals get, over all rounds of the loop
-- parameters: none
-- columns: question_type, proposed, parsed, executed, accepted, trained, acceptance_rate
-- grain: a question type (NULL: could not be read), the most proposed first
SELECT
    question_type,
    sum(proposals) FILTER (stage = 'proposed')::BIGINT AS proposed,
    sum(proposals) FILTER (stage = 'parsed')::BIGINT AS parsed,
    sum(proposals) FILTER (stage = 'executed')::BIGINT AS executed,
    sum(proposals) FILTER (stage = 'accepted')::BIGINT AS accepted,
    sum(proposals) FILTER (stage = 'trained')::BIGINT AS trained,
    round(accepted / proposed, 4) AS acceptance_rate
FROM "yield"
WHERE round >= 1
GROUP BY question_type
ORDER BY proposed DESC, question_type;
