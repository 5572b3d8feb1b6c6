-- Runs that began and that ended, per minute.
SELECT
    toStartOfInterval(moment.1, toIntervalSecond({step:UInt32})) AS time,
    countIf(moment.2 = 'started') * 60 / {step:UInt32} AS started,
    countIf(moment.2 = 'ended') * 60 / {step:UInt32} AS ended
FROM (
    SELECT arrayJoin([(started_at, 'started'), (ifNull(ended_at, toDateTime64(0, 6, 'UTC')), 'ended')]) AS moment
    FROM runs FINAL
    WHERE (started_at >= {from:DateTime64(3, 'UTC')} OR ended_at >= {from:DateTime64(3, 'UTC')})
    AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow))
)
WHERE moment.1 >= {from:DateTime64(3, 'UTC')} AND moment.1 <= {to:DateTime64(3, 'UTC')}
GROUP BY time
ORDER BY time
