-- Tokens and cost per day (UTC, by the time of the call), project, workflow, agent, provider, model and currency.
-- priced_calls of calls have a price; cost is NULL where none has one.
-- Calls without a price have no currency and stand under USD.
CREATE OR REPLACE VIEW cost_daily {on_cluster} AS
SELECT
    toDate32(c.ts) AS day,
    c.project AS project,
    c.workflow AS workflow,
    c.agent AS agent,
    c.provider AS provider,
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
FROM model_calls AS c
GROUP BY day, project, workflow, agent, provider, model, currency
