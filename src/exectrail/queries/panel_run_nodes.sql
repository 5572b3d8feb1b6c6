-- The tree of a run as nodes of a graph; a node's circle has the colour of its state.
SELECT
    execution_id AS id, name AS title, kind AS subtitle, effective_state AS mainstat,
    concat(formatReadableTimeDelta(duration_ms / 1000, 'hours', 'milliseconds'), if(cost IS NULL, '', concat(', ', toString(round(toFloat64(cost), 4)), ' USD'))) AS secondarystat,
    toFloat64(effective_state = 'completed') AS arc__completed,
    toFloat64(effective_state = 'failed') AS arc__failed,
    toFloat64(effective_state = 'abandoned') AS arc__abandoned,
    toFloat64(effective_state = 'cancelled') AS arc__cancelled,
    toFloat64(effective_state = 'running') AS arc__running,
    toFloat64(effective_state IN ('paused', 'blocked')) AS arc__paused,
    toFloat64(effective_state IN ('created', 'queued')) AS arc__queued,
    agent AS detail__agent, tool AS detail__tool, reason AS detail__reason, error_type AS detail__error, toString(attempt) AS detail__attempt
FROM execution_tree_of(since = least(UUIDv7ToDateTime(toUUIDOrZero({root_id:String}), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')) - toIntervalDay(1), root = {root_id:String})
ORDER BY started_at, execution_id
LIMIT 1000
