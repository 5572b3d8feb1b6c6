-- runs_hourly -> runs_daily, the days of some hours, each written anew.
INSERT INTO runs_daily (day, project, environment, workflow, name, folded,
    runs, success, partial, failed, cancelled, abandoned, open, retries, errors, resumes, agent_executions,
    tool_calls, duration_ms, work_ms, wait_ms, queued_ms, blocked_ms, durations, calls, priced_calls,
    input_tokens, uncached_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost,
    wasted)
SELECT
    toDate32(hour) AS day,
    h.project AS project, h.environment AS environment, h.workflow AS workflow, h.name AS name,
    {folded:DateTime64(6, 'UTC')},
    sum(h.runs) AS runs,
    sum(h.success) AS success,
    sum(h.partial) AS partial,
    sum(h.failed) AS failed,
    sum(h.cancelled) AS cancelled,
    sum(h.abandoned) AS abandoned,
    sum(h.open) AS open,
    sum(h.retries) AS retries,
    sum(h.errors) AS errors,
    sum(h.resumes) AS resumes,
    sum(h.agent_executions) AS agent_executions,
    sum(h.tool_calls) AS tool_calls,
    sum(h.duration_ms) AS duration_ms,
    sum(h.work_ms) AS work_ms,
    sum(h.wait_ms) AS wait_ms,
    sum(h.queued_ms) AS queued_ms,
    sum(h.blocked_ms) AS blocked_ms,
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
    sum(h.wasted) AS wasted
FROM runs_hourly AS h FINAL
WHERE hour >= toStartOfDay(arrayMin({hours:Array(DateTime('UTC'))})) AND hour < toStartOfDay(arrayMax({hours:Array(DateTime('UTC'))})) + toIntervalDay(1)
  AND toDate32(hour) IN (SELECT arrayJoin(arrayMap(hour -> toDate32(hour), {hours:Array(DateTime('UTC'))})))
GROUP BY day, project, environment, workflow, name
