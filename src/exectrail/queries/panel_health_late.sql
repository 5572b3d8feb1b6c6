-- Where telemetry comes from late, or from a clock that is off: by host and program, the latest first. What even the quickest took is
-- the difference of the clocks; a sender that is ahead of the store has a negative one.
SELECT
    service, host, project, count() AS events,
    min(t.took_ms) AS quickest_ms, quantile(0.5)(t.took_ms) AS median_ms, quantile(0.95)(t.took_ms) AS p95_ms, max(t.took_ms) AS longest_ms,
    max(t.received) AS last_received
FROM (
    SELECT service, host, project, received, dateDiff('microsecond', ts, received) / 1000 AS took_ms
    FROM transitions
    WHERE (created >= {from:DateTime64(3, 'UTC')} - toIntervalDay(2) OR created = toDateTime64(0, 3, 'UTC'))
      AND received >= {from:DateTime64(3, 'UTC')} AND received <= {to:DateTime64(3, 'UTC')}
      AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
) AS t
GROUP BY service, host, project
ORDER BY longest_ms - quickest_ms DESC, service, host, project
LIMIT 100
