-- The share of runs in which an agent completed, of those that it has ended in; by when the run was made.
SELECT
    toStartOfInterval(hour, toIntervalSecond(greatest({step:UInt32}, 3600))) AS time, toString(agent) AS agent_name,
    sum(completed) / nullIf(sum(runs) - sum(open), 0) AS success
FROM agents_hourly FINAL
WHERE hour >= toStartOfHour({from:DateTime64(3, 'UTC')}) AND hour <= {to:DateTime64(3, 'UTC')}
  AND agent != ''
  AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow))
  AND (empty({agent:Array(String)}) OR has({agent:Array(String)}, agent))
GROUP BY time, agent_name
ORDER BY time, agent_name
LIMIT 5000
