-- What agents failed with, the most frequent first, with the latest run.
SELECT
    agent, agent_version, effective_state AS state, reason, error_type, count() AS times, max(started_at) AS latest,
    argMax(root_id, (started_at, root_id)) AS example
FROM runs_by_agent FINAL
WHERE (created >= {from:DateTime64(3, 'UTC')} OR created = toDateTime64(0, 3, 'UTC'))
  AND made >= {from:DateTime64(3, 'UTC')} AND made <= {to:DateTime64(3, 'UTC')}
  AND agent != '' AND effective_state IN ('failed', 'abandoned')
  AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow))
  AND (empty({agent:Array(String)}) OR has({agent:Array(String)}, agent))
GROUP BY agent, agent_version, state, reason, error_type
ORDER BY times DESC, agent, agent_version, state, reason, error_type
LIMIT 100
