-- How many executions of an agent were at work at once, on average: the time they took over the time that passed.
SELECT
    toStartOfInterval(hour, toIntervalSecond(greatest({step:UInt32}, 3600))) AS time, toString(agent) AS agent_name,
    sum(duration_ms) / 1000 / greatest({step:UInt32}, 3600) AS at_work
FROM agents_hourly FINAL
WHERE hour >= toStartOfHour({from:DateTime64(3, 'UTC')}) AND hour <= {to:DateTime64(3, 'UTC')}
  AND agent != ''
  AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow))
  AND (empty({agent:Array(String)}) OR has({agent:Array(String)}, agent))
GROUP BY time, agent_name
ORDER BY time, agent_name
LIMIT 5000
