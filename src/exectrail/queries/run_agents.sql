-- What each agent did in a run.
SELECT
    agent, executions, effective_state, reason, started_at, ended_at, duration_ms, attempt, tool_calls,
    errors, calls, priced_calls, input_tokens, uncached_tokens, cache_read_tokens, cache_write_tokens,
    output_tokens, reasoning_tokens, cost
FROM run_agents_of(since = least(UUIDv7ToDateTime(toUUIDOrZero({root_id:String}), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')) - toIntervalDay(1), root = {root_id:String})
ORDER BY started_at, agent
