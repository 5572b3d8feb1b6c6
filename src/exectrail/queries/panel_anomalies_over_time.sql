-- How many workflows and agents were not as usual, by hour and measure.
SELECT toStartOfInterval(hour, toIntervalSecond(greatest({step:UInt32}, 3600))) AS time, measure AS measure_name, toFloat64(count()) AS unusual
FROM anomalies_of(since = toStartOfHour(toDateTime({from:DateTime64(3, 'UTC')}, 'UTC')),
    until = toDateTime({to:DateTime64(3, 'UTC')}, 'UTC'), factor = {factor:Float64})
WHERE (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow) OR has({workflow:Array(String)}, subject))
GROUP BY time, measure_name
ORDER BY time, measure_name
