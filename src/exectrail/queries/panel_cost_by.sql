-- What model calls cost in the time shown by something, the dearest first.
SELECT
    multiIf({by:String} = 'model', toString(model), {by:String} = 'agent', toString(agent), {by:String} = 'workflow', toString(workflow),
        {by:String} = 'project', toString(project), {by:String} = 'day', toString(toDate(hour)), '') AS key,
    toFloat64(sum(u.cost)) AS spent,
    sum(u.calls) AS model_calls,
    sum(u.priced_calls) / nullIf(sum(u.calls), 0) AS priced,
    sum(u.input_tokens) AS input, sum(u.output_tokens) AS output,
    sum(u.cache_read_tokens) / nullIf(sum(u.input_tokens), 0) AS cached
FROM usage_hourly AS u FINAL
WHERE hour >= toStartOfHour({from:DateTime64(3, 'UTC')}) AND hour <= {to:DateTime64(3, 'UTC')}
  AND currency IN ('USD', '')
  AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow))
  AND (empty({agent:Array(String)}) OR has({agent:Array(String)}, agent))
  AND (empty({model:Array(String)}) OR has({model:Array(String)}, model))
GROUP BY key
ORDER BY spent DESC NULLS LAST, model_calls DESC, key
LIMIT 100
