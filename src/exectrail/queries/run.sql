-- One run, by the id under which it is shown.
SELECT
    execution_id, name, kind, workflow, agent, agents, project, environment, service, service_version, state,
    effective_state, outcome, reason, health, flags, flag_s, flag_allowed_s, started_at, ended_at, duration_ms, state_ms, work_ms, wait_ms, queued_ms,
    blocked_ms, deadline, attempt, iterations, max_iterations, progress, message, steps_planned,
    steps_completed, mode, target_type, target_id, trigger_source, trigger_key, trigger_status,
    trigger_intent, tags, conversation_id, external_id, trace_id, segments, resumes, forked_from, nodes,
    tool_calls, retries, errors, error_type, error_message, last_step, last_event, worker_id, host, pid,
    clock_offset_us, last_heartbeat, exit_code, signal, oom, calls, priced_calls, input_tokens, uncached_tokens,
    cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost
FROM executions_of(since = least(UUIDv7ToDateTime(toUUIDOrZero({execution_id:String}), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')) - toIntervalDay(1), root = {execution_id:String})
