-- One execution at any level. The root it belongs to may be left empty; with it, only one run is read.
SELECT
    execution_id, parent_id, root_id, name, kind, workflow, agent, tool, state, effective_state, outcome,
    reason, health, flags, flag_s, flag_allowed_s, started_at, ended_at, duration_ms, state_ms, work_ms, wait_ms, queued_ms, blocked_ms, attempt,
    iteration, iterations, max_iterations, progress, message, steps_planned, steps_completed, segments, resumes,
    forked_from, error_type, error_message, external_id, trace_id, span_id, last_event, worker_id, host, pid,
    clock_offset_us, last_heartbeat, exit_code, signal, oom, deadline, calls, priced_calls, input_tokens, uncached_tokens, cache_read_tokens,
    cache_write_tokens, output_tokens, reasoning_tokens, cost
FROM execution_tree_of(since = least(UUIDv7ToDateTime(toUUIDOrZero({root_id:String}), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')) - toIntervalDay(1), root = {root_id:String})
WHERE execution_id = {execution_id:String}
