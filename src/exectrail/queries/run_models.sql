-- Which models each execution of a run called. Cost is in USD; calls priced in another currency count as not priced.
SELECT
    s.node_id AS execution_id, c.provider AS provider, c.model AS model, count() AS calls,
    countIf(c.priced AND c.currency IN ('USD', '')) AS priced_calls, sum(c.input_tokens) AS input_tokens,
    sum(c.uncached_tokens) AS uncached_tokens, sum(c.cache_read_tokens) AS cache_read_tokens,
    sum(c.cache_write_tokens) AS cache_write_tokens, sum(c.output_tokens) AS output_tokens,
    sum(c.reasoning_tokens) AS reasoning_tokens, sumIf(c.cost, c.currency IN ('USD', '')) AS cost
FROM model_calls AS c
INNER JOIN (SELECT execution_id, node_id FROM segments_of(since = '1970-01-01 00:00:00', root = {root_id:String})) AS s ON s.execution_id = c.execution_id
GROUP BY execution_id, provider, model
ORDER BY execution_id, calls DESC, model, provider
