-- Tools that a run called, the slowest first.
SELECT
    if(tool = '', name, tool) AS tool_name, count() AS tool_calls, countIf(effective_state = 'failed') AS failed, sum(duration_ms) AS total_ms,
    quantile(0.5)(duration_ms) AS median_ms, max(duration_ms) AS max_ms, anyIf(error_type, error_type != '') AS error
FROM execution_tree_of(since = least(UUIDv7ToDateTime(toUUIDOrZero({root_id:String}), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')) - toIntervalDay(1), root = {root_id:String})
WHERE kind = 'tool'
GROUP BY tool_name
ORDER BY total_ms DESC, tool_name
