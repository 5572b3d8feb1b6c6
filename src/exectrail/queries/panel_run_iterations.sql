-- Iterations and attempts of a run, each with how long it took and what it cost.
SELECT
    name, kind, agent, iteration, max_iterations, attempt, effective_state AS state, reason, duration_ms, calls,
    input_tokens + output_tokens AS tokens, toFloat64(cost) AS cost, error_type, execution_id
FROM execution_tree_of(since = least(UUIDv7ToDateTime(toUUIDOrZero({root_id:String}), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')) - toIntervalDay(1), root = {root_id:String})
WHERE kind = 'iteration' OR iteration > 0 OR attempt > 1
ORDER BY started_at, execution_id
LIMIT 500
