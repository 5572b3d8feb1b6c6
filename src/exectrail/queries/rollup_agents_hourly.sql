-- runs_by_agent -> agents_hourly, some hours, each written anew from its rows.
INSERT INTO agents_hourly (hour, project, environment, workflow, agent, agent_version, folded,
    runs, executions, completed, failed, cancelled, abandoned, open, retried, errors, tool_calls, duration_ms,
    durations, calls, priced_calls, input_tokens, uncached_tokens, cache_read_tokens, cache_write_tokens,
    output_tokens, reasoning_tokens, cost, cost_of_completed,
    cpu_runs, cpu_seconds, memory_runs, memory_peak_bytes)
SELECT
    toStartOfHour(toDateTime(made, 'UTC')) AS hour,
    r.project AS project, r.environment AS environment, r.workflow AS workflow, r.agent AS agent,
    r.agent_version AS agent_version,
    {folded:DateTime64(6, 'UTC')},
    count() AS runs,
    sum(r.executions) AS executions,
    countIf(effective_state = 'completed') AS completed,
    countIf(effective_state = 'failed') AS failed,
    countIf(effective_state = 'cancelled') AS cancelled,
    countIf(effective_state = 'abandoned') AS abandoned,
    countIf(effective_state IN ('created', 'queued', 'running', 'paused', 'blocked')) AS open,
    sum(greatest(r.attempt, 1) - 1) AS retried,
    sum(r.errors) AS errors,
    sum(r.tool_calls) AS tool_calls,
    sumIf(r.duration_ms, ended_at IS NOT NULL) AS duration_ms,
    quantilesTDigestStateIf(0.5, 0.9, 0.95, 0.99)(r.duration_ms, ended_at IS NOT NULL) AS durations,
    sum(r.calls) AS calls,
    sum(r.priced_calls) AS priced_calls,
    sum(r.input_tokens) AS input_tokens,
    sum(r.uncached_tokens) AS uncached_tokens,
    sum(r.cache_read_tokens) AS cache_read_tokens,
    sum(r.cache_write_tokens) AS cache_write_tokens,
    sum(r.output_tokens) AS output_tokens,
    sum(r.reasoning_tokens) AS reasoning_tokens,
    sum(r.cost) AS cost,
    sumIf(r.cost, effective_state = 'completed') AS cost_of_completed,
    countIf(ended_at IS NOT NULL AND r.cpu_seconds IS NOT NULL) AS cpu_runs,
    ifNull(sumIf(r.cpu_seconds, ended_at IS NOT NULL), 0) AS cpu_seconds,
    countIf(ended_at IS NOT NULL AND r.memory_peak_bytes IS NOT NULL) AS memory_runs,
    ifNull(sumIf(toFloat64(r.memory_peak_bytes), ended_at IS NOT NULL), 0) AS memory_peak_bytes
FROM runs_by_agent AS r FINAL
WHERE made >= arrayMin({hours:Array(DateTime('UTC'))}) AND made < arrayMax({hours:Array(DateTime('UTC'))}) + toIntervalHour(1)
  AND toStartOfHour(toDateTime(made, 'UTC')) IN {hours:Array(DateTime('UTC'))}
  AND r.agent != ''
GROUP BY hour, project, environment, workflow, agent, agent_version
SETTINGS max_threads = 2, do_not_merge_across_partitions_select_final = 1
