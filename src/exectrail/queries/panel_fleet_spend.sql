-- What model calls cost, in US dollars per hour. Calls without a price are not in it.
SELECT toStartOfInterval(ts, toIntervalSecond({step:UInt32})) AS time, toFloat64(sum(cost)) * 3600 / {step:UInt32} AS spend
FROM model_calls
WHERE ts >= {from:DateTime64(3, 'UTC')} AND ts <= {to:DateTime64(3, 'UTC')} AND currency IN ('USD', '')
  AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow))
GROUP BY time
HAVING isNotNull(sum(cost))
ORDER BY time
