-- Runs that somebody should look at, the latest first: abandoned in the time shown, or open and flagged.
SELECT
    execution_id, name, workflow, effective_state AS state, arrayStringConcat(flags, ', ') AS flagged, reason, last_step, last_event,
    host, pid, exit_code, signal, toFloat64(cost) AS cost
FROM runs FINAL
WHERE ((ended_at IS NULL AND notEmpty(flags))
    OR (effective_state = 'abandoned' AND ended_at >= {from:DateTime64(3, 'UTC')} AND ended_at <= {to:DateTime64(3, 'UTC')}))
  AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow))
ORDER BY last_event DESC, execution_id
LIMIT 100
