-- The 95th percentile of how long an agent took, in milliseconds; by when the run was made.
SELECT
    toStartOfInterval(hour, toIntervalSecond(greatest({step:UInt32}, 3600))) AS time, toString(agent) AS agent_name,
    quantilesTDigestMerge(0.5, 0.9, 0.95, 0.99)(durations)[3] AS p95
FROM agents_hourly FINAL
WHERE hour >= toStartOfHour({from:DateTime64(3, 'UTC')}) AND hour <= {to:DateTime64(3, 'UTC')}
  AND agent != '' AND runs > open
  AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow))
  AND (empty({agent:Array(String)}) OR has({agent:Array(String)}, agent))
GROUP BY time, agent_name
ORDER BY time, agent_name
LIMIT 5000
