-- How long telemetry took from its own time to its being received, in milliseconds. Clocks that differ are in it. Of
-- executions that were made up to two days before the time shown.
SELECT
    toStartOfInterval(t.received, toIntervalSecond({step:UInt32})) AS time,
    quantile(0.5)(took_ms) AS median, quantile(0.95)(took_ms) AS p95, max(took_ms) AS longest
FROM (
    SELECT received, dateDiff('microsecond', ts, received) / 1000 AS took_ms
    FROM transitions
    WHERE (created >= {from:DateTime64(3, 'UTC')} - toIntervalDay(2) OR created = toDateTime64(0, 3, 'UTC'))
      AND received >= {from:DateTime64(3, 'UTC')} AND received <= {to:DateTime64(3, 'UTC')}
      AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
) AS t
GROUP BY time
ORDER BY time
