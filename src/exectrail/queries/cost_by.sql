-- Tokens and cost by day, model, agent or workflow. With a `currency`, amounts in others for which a rate is known from their day
-- on are in it; without a rate they stay in their own, on a line of their own.
WITH
    (SELECT groupArray((currency, valid_from, rate)) FROM (
        SELECT * FROM exchange_rates FINAL WHERE into = {currency:String} ORDER BY valid_from DESC)) AS rates
SELECT
    multiIf(
        {by:String} = 'day', toString(day),
        {by:String} = 'model', toString(model),
        {by:String} = 'agent', toString(agent),
        {by:String} = 'workflow', toString(workflow),
        '') AS key,
    if(d.rate = 0, toString(d.currency), {currency:String}) AS currency,
    sum(d.calls) AS calls, sum(d.priced_calls) AS priced_calls, sum(d.input_tokens) AS input_tokens,
    sum(d.uncached_tokens) AS uncached_tokens, sum(d.cache_read_tokens) AS cache_read_tokens,
    sum(d.cache_write_tokens) AS cache_write_tokens, sum(d.output_tokens) AS output_tokens,
    sum(d.reasoning_tokens) AS reasoning_tokens, sum(if(d.rate = 0, d.cost, toDecimal128(toDecimal256(d.cost, 12) * d.rate, 12))) AS cost
FROM (SELECT *, arrayFirst(r -> r.1 = currency AND r.2 <= day, rates).3 AS rate FROM cost_daily) AS d
WHERE ({project:String} = '' OR project = {project:String})
  AND ({workflow:String} = '' OR workflow = {workflow:String})
  AND day >= toDate32({since:DateTime64(6, 'UTC')})
GROUP BY key, currency
ORDER BY if({by:String} = 'day', key, ''), cost DESC NULLS LAST, calls DESC, key, currency
