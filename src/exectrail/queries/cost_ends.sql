-- Tokens and cost by how the run stands, or by what the money was wasted by ('' is what was not). `since` is of when a run was made,
-- `root` takes one run alone. Calls without a price stand under USD; `currency`: see cost_by.sql.
WITH
    (SELECT groupArray((currency, valid_from, rate)) FROM (
        SELECT * FROM exchange_rates FINAL WHERE into = {currency:String} ORDER BY valid_from DESC)) AS rates
SELECT
    if({by:String} = 'state', toString(c.state), toString(c.cause)) AS key,
    if(c.rate = 0, c.unit, {currency:String}) AS currency,
    count() AS calls, countIf(c.priced) AS priced_calls, sum(c.input_tokens) AS input_tokens,
    sum(c.uncached_tokens) AS uncached_tokens, sum(c.cache_read_tokens) AS cache_read_tokens,
    sum(c.cache_write_tokens) AS cache_write_tokens, sum(c.output_tokens) AS output_tokens,
    sum(c.reasoning_tokens) AS reasoning_tokens,
    sum(if(c.rate = 0, c.cost, toDecimal128(toDecimal256(c.cost, 12) * c.rate, 12))) AS cost
FROM (
    SELECT
        *,
        if(currency = '', 'USD', toString(currency)) AS unit,
        arrayFirst(r -> r.1 = unit AND r.2 <= toDate32(ts), rates).3 AS rate
    FROM call_ends_of(since = {since:DateTime64(6, 'UTC')}, root = {root_id:String})
    WHERE ({project:String} = '' OR project = {project:String})
      AND ({workflow:String} = '' OR workflow = {workflow:String})
) AS c
GROUP BY key, currency
ORDER BY key = '', cost DESC NULLS LAST, calls DESC, key, currency
