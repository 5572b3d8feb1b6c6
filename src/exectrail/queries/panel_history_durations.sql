-- How long runs took that have ended, in milliseconds, by when they were made.
SELECT
    toStartOfInterval(made, toIntervalSecond({step:UInt32})) AS time,
    quantile(0.5)(duration_ms) AS median,
    quantile(0.9)(duration_ms) AS p90,
    quantile(0.99)(duration_ms) AS p99
FROM runs FINAL
WHERE (created >= {from:DateTime64(3, 'UTC')} OR created = toDateTime64(0, 3, 'UTC'))
  AND made >= {from:DateTime64(3, 'UTC')} AND made <= {to:DateTime64(3, 'UTC')}
  AND ended_at IS NOT NULL
  AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow))
  AND (empty({agent:Array(String)}) OR hasAny({agent:Array(String)}, agents))
  AND (empty({state:Array(String)}) OR has({state:Array(String)}, effective_state))
  AND (empty({outcome:Array(String)}) OR has({outcome:Array(String)}, outcome))
  AND (empty({trigger:Array(String)}) OR has({trigger:Array(String)}, trigger_source))
  AND (empty({intent:Array(String)}) OR has({intent:Array(String)}, trigger_intent))
  AND (empty({target:Array(String)}) OR has({target:Array(String)}, target_type))
GROUP BY time
ORDER BY time
