-- run_agents -> runs_by_agent, those of some runs, by their ids with commas between; none was made before `since`.
INSERT INTO runs_by_agent (created, root_id, agent, folded, made,
    project, environment, workflow, agent_version, executions, effective_state, reason, error_type, started_at,
    ended_at, duration_ms, tool_calls, errors, attempt, calls, priced_calls, input_tokens, uncached_tokens,
    cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost,
    cpu_seconds, memory_peak_bytes, resource_scope)
SELECT
    least(UUIDv7ToDateTime(toUUIDOrZero(root_id), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')) AS created,
    root_id,
    agent,
    {folded:DateTime64(6, 'UTC')},
    if(created = toDateTime64(0, 3, 'UTC'), toDateTime64(started_at, 3, 'UTC'), created),
    project, environment, workflow, agent_version, executions, effective_state, reason, error_type, started_at,
    ended_at, duration_ms, tool_calls, errors, attempt, calls, priced_calls, input_tokens, uncached_tokens,
    cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost,
    u.cpu_seconds, u.memory_peak_bytes, u.resource_scope
FROM run_agents_of(since = {since:DateTime64(3, 'UTC')}, root = {roots:String}) AS a
LEFT JOIN (
    -- not of the steps and tools of an agent, which may tell too: what they took is in what the agent did
    SELECT
        root_id AS used_by, agent AS used_as, sum(cpu_seconds) AS cpu_seconds, max(memory_peak_bytes) AS memory_peak_bytes,
        max(resource_scope) AS resource_scope
    FROM used_of(since = {since:DateTime64(3, 'UTC')}, root = {roots:String})
    WHERE kind = 'agent'
    GROUP BY used_by, used_as
) AS u ON u.used_by = a.root_id AND u.used_as = a.agent
SETTINGS max_threads = 2
