-- model_calls -> usage_hourly, some hours, each written anew from its rows.
INSERT INTO usage_hourly (hour, project, environment, workflow, agent, provider, model, currency, folded,
    calls, priced_calls, input_tokens, uncached_tokens, cache_read_tokens, cache_write_tokens, output_tokens,
    reasoning_tokens, cost)
SELECT
    toStartOfHour(toDateTime(ts, 'UTC')) AS hour,
    r.project AS project, r.environment AS environment, r.workflow AS workflow, r.agent AS agent, r.provider AS
    provider, r.model AS model, if(r.currency = '', 'USD', r.currency) AS currency,
    {folded:DateTime64(6, 'UTC')},
    count() AS calls,
    countIf(r.priced) AS priced_calls,
    sum(r.input_tokens) AS input_tokens,
    sum(r.uncached_tokens) AS uncached_tokens,
    sum(r.cache_read_tokens) AS cache_read_tokens,
    sum(r.cache_write_tokens) AS cache_write_tokens,
    sum(r.output_tokens) AS output_tokens,
    sum(r.reasoning_tokens) AS reasoning_tokens,
    sum(r.cost) AS cost
FROM model_calls AS r
WHERE ts >= arrayMin({hours:Array(DateTime('UTC'))}) AND ts < arrayMax({hours:Array(DateTime('UTC'))}) + toIntervalHour(1)
  AND toStartOfHour(toDateTime(ts, 'UTC')) IN {hours:Array(DateTime('UTC'))}
GROUP BY hour, project, environment, workflow, agent, provider, model, currency
SETTINGS max_threads = 2, do_not_merge_across_partitions_select_final = 1
