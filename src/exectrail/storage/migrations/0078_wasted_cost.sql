-- Money that was wasted, by cause, day of the call (UTC), project, workflow, agent, model and currency; causes: see 0076.
-- priced_calls of calls have a price; cost is NULL where none has one. Calls without a price have no currency and stand under USD.
CREATE OR REPLACE VIEW wasted_cost {on_cluster} AS
SELECT
    c.cause AS cause,
    toDate32(c.ts) AS day,
    c.project AS project,
    c.workflow AS workflow,
    c.agent AS agent,
    c.model AS model,
    if(c.currency = '', 'USD', c.currency) AS currency,
    count() AS calls,
    countIf(c.priced) AS priced_calls,
    sum(c.input_tokens) AS input_tokens,
    sum(c.uncached_tokens) AS uncached_tokens,
    sum(c.cache_read_tokens) AS cache_read_tokens,
    sum(c.cache_write_tokens) AS cache_write_tokens,
    sum(c.output_tokens) AS output_tokens,
    sum(c.reasoning_tokens) AS reasoning_tokens,
    sum(c.cost) AS cost
FROM call_ends AS c
WHERE c.cause != ''
GROUP BY cause, day, project, workflow, agent, model, currency
