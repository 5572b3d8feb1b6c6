-- runs -> runs_hourly, some hours, each written anew from its rows.
INSERT INTO runs_hourly (hour, project, environment, workflow, name, folded,
    runs, success, partial, failed, cancelled, abandoned, open, retries, errors, resumes, agent_executions,
    tool_calls, duration_ms, work_ms, wait_ms, queued_ms, blocked_ms, durations, calls, priced_calls,
    input_tokens, uncached_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost,
    wasted,
    cpu_runs, cpu_seconds, memory_runs, memory_peak_bytes)
SELECT
    toStartOfHour(toDateTime(made, 'UTC')) AS hour,
    r.project AS project, r.environment AS environment, r.workflow AS workflow, r.name AS name,
    {folded:DateTime64(6, 'UTC')},
    count() AS runs,
    countIf(outcome = 'success') AS success,
    countIf(outcome = 'partial') AS partial,
    countIf(outcome = 'failed') AS failed,
    countIf(outcome = 'cancelled') AS cancelled,
    countIf(outcome = 'abandoned') AS abandoned,
    countIf(outcome = '') AS open,
    sum(r.retries) AS retries,
    sum(r.errors) AS errors,
    sum(r.resumes) AS resumes,
    sum(r.agent_executions) AS agent_executions,
    sum(r.tool_calls) AS tool_calls,
    sumIf(r.duration_ms, ended_at IS NOT NULL) AS duration_ms,
    sumIf(r.work_ms, ended_at IS NOT NULL) AS work_ms,
    sumIf(r.wait_ms, ended_at IS NOT NULL) AS wait_ms,
    sumIf(r.queued_ms, ended_at IS NOT NULL) AS queued_ms,
    sumIf(r.blocked_ms, ended_at IS NOT NULL) AS blocked_ms,
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
    sumIf(r.cost, outcome IN ('failed', 'partial', 'abandoned')) AS wasted,
    countIf(ended_at IS NOT NULL AND r.cpu_seconds IS NOT NULL) AS cpu_runs,
    ifNull(sumIf(r.cpu_seconds, ended_at IS NOT NULL), 0) AS cpu_seconds,
    countIf(ended_at IS NOT NULL AND r.memory_peak_bytes IS NOT NULL) AS memory_runs,
    ifNull(sumIf(toFloat64(r.memory_peak_bytes), ended_at IS NOT NULL), 0) AS memory_peak_bytes
FROM runs AS r FINAL
WHERE made >= arrayMin({hours:Array(DateTime('UTC'))}) AND made < arrayMax({hours:Array(DateTime('UTC'))}) + toIntervalHour(1)
  AND toStartOfHour(toDateTime(made, 'UTC')) IN {hours:Array(DateTime('UTC'))}
GROUP BY hour, project, environment, workflow, name
SETTINGS max_threads = 2, do_not_merge_across_partitions_select_final = 1
