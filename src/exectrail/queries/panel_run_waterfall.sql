-- The executions of a run as spans of one trace, whatever traces and processes they ran in; open ones last until now.
SELECT
    root_id AS traceID, execution_id AS spanID, parent_id AS parentSpanID, if(agent = '', service, agent) AS serviceName,
    concat(kind, ' ', name) AS operationName, started_at AS startTime, duration_ms AS duration,
    multiIf(effective_state IN ('failed', 'abandoned'), 2, effective_state = 'completed', 1, 0) AS statusCode,
    arrayFilter(x -> x['value'] != '', [
        map('key', 'state', 'value', toString(effective_state)), map('key', 'reason', 'value', toString(reason)),
        map('key', 'error', 'value', toString(error_type)), map('key', 'tool', 'value', toString(tool)),
        map('key', 'tokens', 'value', if(calls = 0, '', toString(input_tokens + output_tokens))),
        map('key', 'cost', 'value', ifNull(toString(cost), ''))]) AS tags,
    [map('key', 'host', 'value', toString(host)), map('key', 'pid', 'value', toString(pid))] AS serviceTags
FROM execution_tree_of(since = least(UUIDv7ToDateTime(toUUIDOrZero({root_id:String}), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')) - toIntervalDay(1), root = {root_id:String})
ORDER BY startTime, spanID
LIMIT 5000
