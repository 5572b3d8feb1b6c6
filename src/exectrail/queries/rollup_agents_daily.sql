-- agents_hourly -> agents_daily, the days of some hours, each written anew.
INSERT INTO agents_daily (day, project, environment, workflow, agent, agent_version, folded,
    runs, executions, completed, failed, cancelled, abandoned, open, retried, errors, tool_calls, duration_ms,
    durations, calls, priced_calls, input_tokens, uncached_tokens, cache_read_tokens, cache_write_tokens,
    output_tokens, reasoning_tokens, cost, cost_of_completed,
    cpu_runs, cpu_seconds, memory_runs, memory_peak_bytes)
SELECT
    toDate32(hour) AS day,
    h.project AS project, h.environment AS environment, h.workflow AS workflow, h.agent AS agent,
    h.agent_version AS agent_version,
    {folded:DateTime64(6, 'UTC')},
    sum(h.runs) AS runs,
    sum(h.executions) AS executions,
    sum(h.completed) AS completed,
    sum(h.failed) AS failed,
    sum(h.cancelled) AS cancelled,
    sum(h.abandoned) AS abandoned,
    sum(h.open) AS open,
    sum(h.retried) AS retried,
    sum(h.errors) AS errors,
    sum(h.tool_calls) AS tool_calls,
    sum(h.duration_ms) AS duration_ms,
    quantilesTDigestMergeState(0.5, 0.9, 0.95, 0.99)(h.durations) AS durations,
    sum(h.calls) AS calls,
    sum(h.priced_calls) AS priced_calls,
    sum(h.input_tokens) AS input_tokens,
    sum(h.uncached_tokens) AS uncached_tokens,
    sum(h.cache_read_tokens) AS cache_read_tokens,
    sum(h.cache_write_tokens) AS cache_write_tokens,
    sum(h.output_tokens) AS output_tokens,
    sum(h.reasoning_tokens) AS reasoning_tokens,
    sum(h.cost) AS cost,
    sum(h.cost_of_completed) AS cost_of_completed,
    sum(h.cpu_runs) AS cpu_runs,
    sum(h.cpu_seconds) AS cpu_seconds,
    sum(h.memory_runs) AS memory_runs,
    sum(h.memory_peak_bytes) AS memory_peak_bytes
FROM agents_hourly AS h FINAL
WHERE hour >= toStartOfDay(arrayMin({hours:Array(DateTime('UTC'))})) AND hour < toStartOfDay(arrayMax({hours:Array(DateTime('UTC'))})) + toIntervalDay(1)
  AND toDate32(hour) IN (SELECT arrayJoin(arrayMap(hour -> toDate32(hour), {hours:Array(DateTime('UTC'))})))
GROUP BY day, project, environment, workflow, agent, agent_version
