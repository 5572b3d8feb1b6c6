-- Runs that the filters leave, latest first.
SELECT
    started_at, name, workflow, effective_state AS state, outcome, reason, duration_ms, wait_ms, queued_ms, agent_executions, tool_calls,
    retries, errors, error_type, input_tokens + output_tokens AS tokens, toFloat64(cost) AS cost,
    priced_calls / nullIf(calls, 0) AS priced, trigger_source, trigger_intent,
    if(target_id = '', target_type, concat(target_type, ' ', target_id)) AS target, project, execution_id
FROM runs FINAL
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
ORDER BY created DESC, execution_id DESC
LIMIT {limit:UInt32}
