-- Of the runs that were made in the time shown and have ended: the share of each outcome. NULL where none has ended.
SELECT
    countIf(outcome = 'success') / nullIf(countIf(outcome != ''), 0) AS success,
    countIf(outcome IN ('failed', 'partial')) / nullIf(countIf(outcome != ''), 0) AS failed,
    countIf(outcome = 'abandoned') / nullIf(countIf(outcome != ''), 0) AS abandoned,
    countIf(outcome = 'cancelled') / nullIf(countIf(outcome != ''), 0) AS cancelled
FROM runs FINAL
WHERE (created >= {from:DateTime64(3, 'UTC')} OR created = toDateTime64(0, 3, 'UTC'))
  AND made >= {from:DateTime64(3, 'UTC')} AND made <= {to:DateTime64(3, 'UTC')}
  AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow))
