-- Two runs beside each other: one line per figure. Empty while there is no second run.
SELECT
    line.1 AS figure,
    anyIf(line.2, execution_id = {root_id:String}) AS this_run,
    anyIf(line.2, execution_id = {other_id:String}) AS other_run,
    this_run - other_run AS difference,
    difference / nullIf(abs(other_run), 0) AS change
FROM (
    SELECT execution_id, arrayJoin([
        ('duration in s', toNullable(duration_ms / 1000)), ('working in s', toNullable(work_ms / 1000)), ('waiting in s', toNullable(wait_ms / 1000)),
        ('executions', toNullable(toFloat64(nodes))), ('tool calls', toNullable(toFloat64(tool_calls))), ('errors', toNullable(toFloat64(errors))),
        ('retries', toNullable(toFloat64(retries))), ('model calls', toNullable(toFloat64(calls))),
        ('input tokens', toNullable(toFloat64(input_tokens))), ('output tokens', toNullable(toFloat64(output_tokens))),
        ('cost in USD', toFloat64(cost))]) AS line
    FROM runs FINAL
    WHERE execution_id IN ({root_id:String}, {other_id:String})
)
GROUP BY figure
HAVING countIf(execution_id = {other_id:String} AND execution_id != {root_id:String}) > 0
ORDER BY indexOf(['duration in s', 'working in s', 'waiting in s', 'executions', 'tool calls', 'errors', 'retries', 'model calls',
    'input tokens', 'output tokens', 'cost in USD'], figure)
