-- Tokens and cost by day, model, agent or workflow.
SELECT
    multiIf(
        {by:String} = 'day', toString(day),
        {by:String} = 'model', toString(model),
        {by:String} = 'agent', toString(agent),
        {by:String} = 'workflow', toString(workflow),
        '') AS key,
    currency,
    sum(d.calls) AS calls, sum(d.priced_calls) AS priced_calls, sum(d.input_tokens) AS input_tokens,
    sum(d.uncached_tokens) AS uncached_tokens, sum(d.cache_read_tokens) AS cache_read_tokens,
    sum(d.cache_write_tokens) AS cache_write_tokens, sum(d.output_tokens) AS output_tokens,
    sum(d.reasoning_tokens) AS reasoning_tokens, sum(d.cost) AS cost
FROM cost_daily AS d
WHERE ({project:String} = '' OR project = {project:String})
  AND ({workflow:String} = '' OR workflow = {workflow:String})
  AND day >= toDate32({since:DateTime64(6, 'UTC')})
GROUP BY key, currency
ORDER BY if({by:String} = 'day', key, ''), cost DESC NULLS LAST, calls DESC, key, currency
