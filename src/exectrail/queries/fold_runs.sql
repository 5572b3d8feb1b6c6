-- executions -> runs, some of them, by their ids with commas between; none was made before `since`.
INSERT INTO runs (created, execution_id, folded, made,
    name, kind, workflow, agent, agents, project, environment, service, service_version, mode, target_type,
    target_id, trigger_source, trigger_key, trigger_status, trigger_intent, tags, conversation_id, external_id,
    trace_id, forked_from, resumes, state, effective_state, outcome, reason, flags, started_at, state_since,
    ended_at, last_event, deadline, duration_ms, work_ms, wait_ms, queued_ms, blocked_ms, attempt, iterations,
    max_iterations, nodes, agent_executions, tool_calls, retries, errors, error_type, error_message, last_step,
    worker_id, host, pid, exit_code, signal, oom, calls, priced_calls, input_tokens, uncached_tokens,
    cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost,
    cpu_seconds, memory_peak_bytes, resource_scope)
SELECT
    least(UUIDv7ToDateTime(toUUIDOrZero(execution_id), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')) AS created,
    execution_id,
    {folded:DateTime64(6, 'UTC')},
    if(created = toDateTime64(0, 3, 'UTC'), toDateTime64(started_at, 3, 'UTC'), created),
    name, kind, workflow, agent, agents, project, environment, service, service_version, mode, target_type,
    target_id, trigger_source, trigger_key, trigger_status, trigger_intent, tags, conversation_id, external_id,
    trace_id, forked_from, resumes, state, effective_state, outcome, reason, flags, started_at, state_since,
    ended_at, last_event, deadline, duration_ms, work_ms, wait_ms, queued_ms, blocked_ms, attempt, iterations,
    max_iterations, nodes, agent_executions, tool_calls, retries, errors, error_type, error_message, last_step,
    worker_id, host, pid, exit_code, signal, oom, calls, priced_calls, input_tokens, uncached_tokens,
    cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost,
    u.cpu_seconds, u.memory_peak_bytes, u.resource_scope
FROM executions_of(since = {since:DateTime64(3, 'UTC')}, root = {roots:String}) AS e
LEFT JOIN (
    -- of the run's own execution: what is beneath it in its process is in that
    SELECT root_id AS used_by, sum(cpu_seconds) AS cpu_seconds, max(memory_peak_bytes) AS memory_peak_bytes, max(resource_scope) AS resource_scope
    FROM used_of(since = {since:DateTime64(3, 'UTC')}, root = {roots:String})
    WHERE execution_id = root_id
    GROUP BY used_by
) AS u ON u.used_by = e.execution_id
SETTINGS max_threads = 2
