-- Runs that have not ended, by state. As of the latest fold, a few seconds ago.
SELECT
    countIf(effective_state = 'running') AS running,
    countIf(effective_state = 'queued') AS queued,
    countIf(effective_state = 'created') AS created,
    countIf(effective_state = 'paused') AS paused,
    countIf(effective_state = 'blocked') AS blocked
FROM runs FINAL
WHERE ended_at IS NULL
  AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow))
