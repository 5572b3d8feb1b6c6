-- Tokens and cost of one run by day, model, agent or workflow. Calls without a price stand under USD.
SELECT
    multiIf(
        {by:String} = 'day', toString(toDate(c.ts, 'UTC')),
        {by:String} = 'model', toString(c.model),
        {by:String} = 'agent', toString(c.agent),
        {by:String} = 'workflow', toString(c.workflow),
        '') AS key,
    if(c.currency = '', 'USD', toString(c.currency)) AS currency,
    count() AS calls, countIf(c.priced) AS priced_calls, sum(c.input_tokens) AS input_tokens,
    sum(c.uncached_tokens) AS uncached_tokens, sum(c.cache_read_tokens) AS cache_read_tokens,
    sum(c.cache_write_tokens) AS cache_write_tokens, sum(c.output_tokens) AS output_tokens,
    sum(c.reasoning_tokens) AS reasoning_tokens, sum(c.cost) AS cost
FROM model_calls AS c
WHERE (root_id = {root_id:String}
        OR root_id IN (SELECT execution_id FROM resumes WHERE first_id = {root_id:String}))
GROUP BY key, currency
ORDER BY if({by:String} = 'day', key, ''), cost DESC NULLS LAST, calls DESC, key, currency
