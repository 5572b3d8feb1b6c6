-- run_agents -> runs_by_agent, those of some runs, by their ids with commas between; none was made before `since`.
INSERT INTO runs_by_agent (created, root_id, agent, folded, made,
    project, environment, workflow, agent_version, executions, effective_state, reason, error_type, started_at,
    ended_at, duration_ms, tool_calls, errors, attempt, calls, priced_calls, input_tokens, uncached_tokens,
    cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost)
SELECT
    least(UUIDv7ToDateTime(toUUIDOrZero(root_id), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')) AS created,
    root_id,
    agent,
    {folded:DateTime64(6, 'UTC')},
    if(created = toDateTime64(0, 3, 'UTC'), toDateTime64(started_at, 3, 'UTC'), created),
    project, environment, workflow, agent_version, executions, effective_state, reason, error_type, started_at,
    ended_at, duration_ms, tool_calls, errors, attempt, calls, priced_calls, input_tokens, uncached_tokens,
    cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost
FROM run_agents_of(since = {since:DateTime64(3, 'UTC')}, root = {roots:String})
SETTINGS max_threads = 2
