-- Processes that were heard in the latest day: those that went silent first.
SELECT
    status, last_heartbeat, dateDiff('millisecond', last_heartbeat, now64(6, 'UTC')) AS silent_ms, open_executions, service, host, pid,
    exit_code, signal, worker_id
FROM workers_alive
WHERE received > now64(6, 'UTC') - toIntervalDay(1)
  AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
ORDER BY transform(status, ['silent', 'alive'], [0, 1], 2), last_heartbeat DESC, worker_id
LIMIT 200
