-- Runs by when they were made and how they ended; open ones as open.
SELECT toStartOfInterval(made, toIntervalSecond({step:UInt32})) AS time, if(outcome = '', 'open', outcome) AS outcome_now, toFloat64(count()) AS runs
FROM runs FINAL
WHERE (created >= {from:DateTime64(3, 'UTC')} OR created = toDateTime64(0, 3, 'UTC'))
  AND made >= {from:DateTime64(3, 'UTC')} AND made <= {to:DateTime64(3, 'UTC')}
  AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow))
GROUP BY time, outcome_now
ORDER BY time, outcome_now
