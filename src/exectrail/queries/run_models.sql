-- Which models each execution of a run called, its resumed segments counted with it. Cost is in USD; calls priced in
-- another currency count as not priced.
WITH
    -- who resumed what, and under which id it is shown; roots: the run and its resumed parts
    (SELECT groupArray((execution_id, first_id))
        FROM resumes_of(since = '1970-01-01 00:00:00', runs = (SELECT runs FROM asked_runs_of(root = {root_id:String})))) AS links,
    arrayPushBack(arrayFilter(l -> l.2 = {root_id:String}, links).1, {root_id:String}) AS roots
SELECT
    transform(x.execution_id, links.1, links.2, x.execution_id) AS execution_id, x.provider AS provider, x.model AS model,
    count() AS calls, countIf(x.priced AND x.currency IN ('USD', '')) AS priced_calls,
    sum(x.input_tokens) AS input_tokens, sum(x.uncached_tokens) AS uncached_tokens,
    sum(x.cache_read_tokens) AS cache_read_tokens, sum(x.cache_write_tokens) AS cache_write_tokens,
    sum(x.output_tokens) AS output_tokens, sum(x.reasoning_tokens) AS reasoning_tokens,
    sumIf(x.cost, x.currency IN ('USD', '')) AS cost
FROM (
    SELECT * FROM model_calls
    WHERE root_id IN (SELECT arrayJoin(roots))
) AS x
GROUP BY execution_id, provider, model
ORDER BY execution_id, calls DESC, model, provider
