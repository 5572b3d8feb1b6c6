-- What came per minute: changes of state, model calls, spans. Sent again counts again.
SELECT toStartOfInterval(a.received, toIntervalSecond({step:UInt32})) AS time, a.what AS arrived, count() * 60 / {step:UInt32} AS per_minute
FROM (
    SELECT received, 'changes of state' AS what
    FROM transitions
    WHERE (created >= {from:DateTime64(3, 'UTC')} - toIntervalDay(2) OR created = toDateTime64(0, 3, 'UTC'))
      AND received >= {from:DateTime64(3, 'UTC')} AND received <= {to:DateTime64(3, 'UTC')}
      AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
    UNION ALL
    SELECT received, 'model calls' AS what
    FROM usage
    WHERE (created >= {from:DateTime64(3, 'UTC')} - toIntervalDay(2) OR created = toDateTime64(0, 3, 'UTC'))
      AND received >= {from:DateTime64(3, 'UTC')} AND received <= {to:DateTime64(3, 'UTC')}
      AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
    UNION ALL
    SELECT toDateTime64(received, 6, 'UTC') AS received, 'spans' AS what
    FROM spans
    WHERE toStartOfHour(ts) >= {from:DateTime64(3, 'UTC')} - toIntervalDay(2)
      AND received >= {from:DateTime64(3, 'UTC')} AND received <= {to:DateTime64(3, 'UTC')}
      AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
) AS a
GROUP BY time, arrived
ORDER BY time, arrived
