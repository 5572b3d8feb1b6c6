-- What runs cost that failed or were abandoned, beside what the others cost, by when they were made; US dollars.
SELECT
    toStartOfInterval(hour, toIntervalSecond(greatest({step:UInt32}, 3600))) AS time,
    toFloat64(ifNull(sum(r.wasted), 0)) AS failed_or_abandoned,
    toFloat64(ifNull(sum(r.cost), 0) - ifNull(sum(r.wasted), 0)) AS useful
FROM runs_hourly AS r FINAL
WHERE hour >= toStartOfHour({from:DateTime64(3, 'UTC')}) AND hour <= {to:DateTime64(3, 'UTC')}
  AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow))
GROUP BY time
ORDER BY time
