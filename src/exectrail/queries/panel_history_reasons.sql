-- Why runs did not succeed, the most frequent first.
SELECT
    workflow, outcome, reason, error_type, count() AS runs, toFloat64(sum(r.cost)) AS wasted, max(r.started_at) AS latest,
    argMax(execution_id, (r.started_at, execution_id)) AS example
FROM runs AS r FINAL
WHERE (created >= {from:DateTime64(3, 'UTC')} OR created = toDateTime64(0, 3, 'UTC'))
  AND made >= {from:DateTime64(3, 'UTC')} AND made <= {to:DateTime64(3, 'UTC')}
  AND outcome NOT IN ('', 'success')
  AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow))
  AND (empty({agent:Array(String)}) OR hasAny({agent:Array(String)}, agents))
  AND (empty({state:Array(String)}) OR has({state:Array(String)}, effective_state))
  AND (empty({outcome:Array(String)}) OR has({outcome:Array(String)}, outcome))
  AND (empty({trigger:Array(String)}) OR has({trigger:Array(String)}, trigger_source))
  AND (empty({intent:Array(String)}) OR has({intent:Array(String)}, trigger_intent))
  AND (empty({target:Array(String)}) OR has({target:Array(String)}, target_type))
GROUP BY workflow, outcome, reason, error_type
ORDER BY runs DESC, workflow, outcome, reason, error_type
LIMIT 100
