-- The runs that the filters leave, in one row.
SELECT
    count() AS runs,
    countIf(outcome = 'success') / nullIf(countIf(outcome != ''), 0) AS success,
    quantileOrNullIf(0.5)(duration_ms, ended_at IS NOT NULL) AS median_ms,
    quantileOrNullIf(0.95)(duration_ms, ended_at IS NOT NULL) AS p95_ms,
    toFloat64(sum(r.cost)) AS total_cost,
    sum(r.priced_calls) / nullIf(sum(r.calls), 0) AS priced
FROM runs AS r FINAL
WHERE (created >= {from:DateTime64(3, 'UTC')} OR created = toDateTime64(0, 3, 'UTC'))
  AND made >= {from:DateTime64(3, 'UTC')} AND made <= {to:DateTime64(3, 'UTC')}
  AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow))
  AND (empty({agent:Array(String)}) OR hasAny({agent:Array(String)}, agents))
  AND (empty({state:Array(String)}) OR has({state:Array(String)}, effective_state))
  AND (empty({outcome:Array(String)}) OR has({outcome:Array(String)}, outcome))
  AND (empty({trigger:Array(String)}) OR has({trigger:Array(String)}, trigger_source))
  AND (empty({intent:Array(String)}) OR has({intent:Array(String)}, trigger_intent))
  AND (empty({target:Array(String)}) OR has({target:Array(String)}, target_type))
