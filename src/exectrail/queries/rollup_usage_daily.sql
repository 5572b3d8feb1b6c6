-- usage_hourly -> usage_daily, the days of some hours, each written anew.
INSERT INTO usage_daily (day, project, environment, workflow, agent, provider, model, currency, folded,
    calls, priced_calls, input_tokens, uncached_tokens, cache_read_tokens, cache_write_tokens, output_tokens,
    reasoning_tokens, cost)
SELECT
    toDate32(hour) AS day,
    h.project AS project, h.environment AS environment, h.workflow AS workflow, h.agent AS agent, h.provider AS
    provider, h.model AS model, h.currency AS currency,
    {folded:DateTime64(6, 'UTC')},
    sum(h.calls) AS calls,
    sum(h.priced_calls) AS priced_calls,
    sum(h.input_tokens) AS input_tokens,
    sum(h.uncached_tokens) AS uncached_tokens,
    sum(h.cache_read_tokens) AS cache_read_tokens,
    sum(h.cache_write_tokens) AS cache_write_tokens,
    sum(h.output_tokens) AS output_tokens,
    sum(h.reasoning_tokens) AS reasoning_tokens,
    sum(h.cost) AS cost
FROM usage_hourly AS h FINAL
WHERE hour >= toStartOfDay(arrayMin({hours:Array(DateTime('UTC'))})) AND hour < toStartOfDay(arrayMax({hours:Array(DateTime('UTC'))})) + toIntervalDay(1)
  AND toDate32(hour) IN (SELECT arrayJoin(arrayMap(hour -> toDate32(hour), {hours:Array(DateTime('UTC'))})))
GROUP BY day, project, environment, workflow, agent, provider, model, currency
