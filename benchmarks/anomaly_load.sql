-- hours
INSERT INTO runs_hourly (hour, workflow, name, folded, runs, success, failed, abandoned, duration_ms, input_tokens, cost, durations)
SELECT
    toDateTime(at, 'UTC'), workflow, workflow, now64(6), runs, runs - failed - abandoned, failed, abandoned, duration_ms, tokens,
    toDecimal128(cost, 12), quantilesTDigestState(0.5, 0.9, 0.95, 0.99)(duration_ms)
FROM format(JSONEachRow, 'workflow String, at UInt32, runs UInt64, failed UInt64, abandoned UInt64, cost Float64, tokens UInt64, duration_ms Float64, iterations Float64', {rows:String})
GROUP BY ALL;

-- runs
INSERT INTO runs (created, execution_id, folded, made, name, workflow, iterations)
SELECT
    toDateTime64(at, 3, 'UTC'), concat(workflow, ' ', toString(at), ' ', toString(number)), now64(6), created_at, workflow, workflow,
    toUInt32(floor((number + 1) * iterations) - floor(number * iterations))
FROM (
    SELECT workflow, at, iterations, toDateTime64(at, 3, 'UTC') AS created_at, arrayJoin(range(least(runs, 40))) AS number
    FROM format(JSONEachRow, 'workflow String, at UInt32, runs UInt64, failed UInt64, abandoned UInt64, cost Float64, tokens UInt64, duration_ms Float64, iterations Float64', {rows:String})
)
