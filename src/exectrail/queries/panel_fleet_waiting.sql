-- Runs that wait for a person, a time or something else, the longest first.
SELECT
    execution_id, name, workflow, effective_state AS state, reason, state_since,
    dateDiff('millisecond', state_since, now64(6, 'UTC')) AS waited_ms, deadline, trigger_source, target_id
FROM runs FINAL
WHERE ended_at IS NULL AND effective_state IN ('paused', 'blocked')
  AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow))
ORDER BY state_since, execution_id
LIMIT 100
