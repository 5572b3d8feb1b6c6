-- Which models each execution of a run called, its resumed segments counted with it. Cost is in USD; calls priced in
-- another currency count as not priced.
SELECT
    if(n.first_id = '', x.execution_id, n.first_id) AS execution_id, x.provider AS provider, x.model AS model,
    count() AS calls, countIf(x.priced AND x.currency IN ('USD', '')) AS priced_calls,
    sum(x.input_tokens) AS input_tokens, sum(x.uncached_tokens) AS uncached_tokens,
    sum(x.cache_read_tokens) AS cache_read_tokens, sum(x.cache_write_tokens) AS cache_write_tokens,
    sum(x.output_tokens) AS output_tokens, sum(x.reasoning_tokens) AS reasoning_tokens,
    sumIf(x.cost, x.currency IN ('USD', '')) AS cost
FROM (
    SELECT * FROM model_calls
    WHERE (root_id = {root_id:String}
        OR root_id IN (SELECT execution_id FROM resumes_of(since = '1970-01-01 00:00:00', runs = (SELECT runs FROM asked_runs_of(root = {root_id:String}))) WHERE first_id = {root_id:String}))
) AS x
LEFT JOIN resumes_of(since = '1970-01-01 00:00:00', runs = (SELECT runs FROM asked_runs_of(root = {root_id:String}))) AS n ON n.execution_id = x.execution_id
GROUP BY execution_id, provider, model
ORDER BY execution_id, calls DESC, model, provider
