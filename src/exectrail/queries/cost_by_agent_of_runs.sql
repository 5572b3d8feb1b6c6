-- What each agent cost over some runs, dearest first.
SELECT
    agent, argMaxIf(effective_state, started_at, executions > 0) AS status, sum(a.duration_ms) AS duration_ms,
    sum(a.tool_calls) AS tool_calls, sum(a.errors) AS errors, sum(a.calls) AS calls,
    sum(a.priced_calls) AS priced_calls, sum(a.input_tokens) AS input_tokens,
    sum(a.uncached_tokens) AS uncached_tokens, sum(a.cache_read_tokens) AS cache_read_tokens,
    sum(a.cache_write_tokens) AS cache_write_tokens, sum(a.output_tokens) AS output_tokens,
    sum(a.reasoning_tokens) AS reasoning_tokens, sum(a.cost) AS cost
FROM run_agents AS a
WHERE root_id IN {root_ids:Array(String)}
GROUP BY agent
ORDER BY cost DESC NULLS LAST, calls DESC, agent
