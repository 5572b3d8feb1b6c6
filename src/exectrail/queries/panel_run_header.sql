-- One run as it stands now, in one row; none where the id is not that of a run.
SELECT
    name, effective_state AS state, outcome, reason, arrayStringConcat(flags, ', ') AS flagged, trigger_source, trigger_key,
    trigger_intent, if(target_id = '', target_type, concat(target_type, ' ', target_id)) AS target, project, environment, service_version,
    started_at, ended_at, last_step,
    -- its type in the view is that of a fold, which not every client takes inside Nullable
    CAST(e.last_heartbeat AS Nullable(DateTime64(6, 'UTC'))) AS last_heartbeat, host, pid, exit_code, signal, error_type, error_message,
    duration_ms, work_ms, wait_ms, queued_ms, blocked_ms, toFloat64(e.cost) AS cost, priced_calls / nullIf(calls, 0) AS priced, calls,
    input_tokens, output_tokens, cache_read_tokens, tool_calls, errors, retries, resumes, iterations, max_iterations,
    if(steps_planned > 0, steps_completed / steps_planned, e.progress) AS progress, message, execution_id
FROM executions_of(since = least(UUIDv7ToDateTime(toUUIDOrZero({root_id:String}), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')) - toIntervalDay(1), root = {root_id:String}) AS e
