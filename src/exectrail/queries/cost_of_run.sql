-- Tokens and cost of one run by day, model, agent or workflow. Calls without a price stand under USD; `currency`: see cost_by.sql.
WITH
    (SELECT groupArray((currency, valid_from, rate)) FROM (
        SELECT * FROM exchange_rates FINAL WHERE into = {currency:String} ORDER BY valid_from DESC)) AS rates,
    -- who resumed what, and under which id it is shown; roots: the run and its resumed parts
    (SELECT groupArray((execution_id, first_id))
        FROM resumes_of(since = '1970-01-01 00:00:00', runs = (SELECT runs FROM asked_runs_of(root = {root_id:String})))) AS links,
    arrayPushBack(arrayFilter(l -> l.2 = {root_id:String}, links).1, {root_id:String}) AS roots
SELECT
    multiIf(
        {by:String} = 'day', toString(toDate(c.ts, 'UTC')),
        {by:String} = 'model', toString(c.model),
        {by:String} = 'agent', toString(c.agent),
        {by:String} = 'workflow', toString(c.workflow),
        '') AS key,
    if(c.rate = 0, c.unit, {currency:String}) AS currency,
    count() AS calls, countIf(c.priced) AS priced_calls, sum(c.input_tokens) AS input_tokens,
    sum(c.uncached_tokens) AS uncached_tokens, sum(c.cache_read_tokens) AS cache_read_tokens,
    sum(c.cache_write_tokens) AS cache_write_tokens, sum(c.output_tokens) AS output_tokens,
    sum(c.reasoning_tokens) AS reasoning_tokens, sum(if(c.rate = 0, c.cost, toDecimal128(toDecimal256(c.cost, 12) * c.rate, 12))) AS cost
FROM (
    SELECT
        *,
        if(currency = '', 'USD', toString(currency)) AS unit,
        arrayFirst(r -> r.1 = unit AND r.2 <= toDate32(ts), rates).3 AS rate
    FROM model_calls
) AS c
WHERE root_id IN (SELECT arrayJoin(roots))
GROUP BY key, currency
ORDER BY if({by:String} = 'day', key, ''), cost DESC NULLS LAST, calls DESC, key, currency
