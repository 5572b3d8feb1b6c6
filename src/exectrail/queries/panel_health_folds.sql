-- How far the roll-ups were behind: the time from one fold to the next, in seconds, the longest in each interval.
SELECT toStartOfInterval(began, toIntervalSecond({step:UInt32})) AS time, max(dateDiff('millisecond', before, began)) / 1000 AS behind
FROM (
    SELECT began, lagInFrame(began, 1, began) OVER (ORDER BY began ASC ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS before
    FROM folds
    WHERE began >= {from:DateTime64(3, 'UTC')} AND began <= {to:DateTime64(3, 'UTC')}
)
GROUP BY time
ORDER BY time
