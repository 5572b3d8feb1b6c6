-- How long runs waited before somebody worked on them, in milliseconds, by when they were made.
SELECT
    toStartOfInterval(made, toIntervalSecond({step:UInt32})) AS time,
    quantile(0.5)(queued_ms) AS median,
    quantile(0.95)(queued_ms) AS p95
FROM runs FINAL
WHERE (created >= {from:DateTime64(3, 'UTC')} OR created = toDateTime64(0, 3, 'UTC'))
  AND made >= {from:DateTime64(3, 'UTC')} AND made <= {to:DateTime64(3, 'UTC')}
  AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow))
GROUP BY time
ORDER BY time
