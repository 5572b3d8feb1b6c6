-- What each version of each agent did in the hours shown; the most used first.
SELECT
    agent, agent_version, sum(a.runs) AS taken_part, sum(a.completed) / nullIf(sum(a.runs) - sum(a.open), 0) AS success_share,
    sum(a.failed) AS failures, sum(a.abandoned) AS lost_runs, sum(a.retried) / nullIf(sum(a.runs), 0) AS retries_per_run,
    sum(a.errors) AS errors_told, sum(a.tool_calls) AS tools,
    arrayMap(x -> if(isNaN(x), NULL, x), quantilesTDigestMerge(0.5, 0.9, 0.95, 0.99)(a.durations))[1] AS median_ms,
    arrayMap(x -> if(isNaN(x), NULL, x), quantilesTDigestMerge(0.5, 0.9, 0.95, 0.99)(a.durations))[3] AS p95_ms,
    sum(a.input_tokens + a.output_tokens) / nullIf(sum(a.runs), 0) AS tokens_per_run,
    toFloat64(sum(a.cost)) AS spent, toFloat64(sum(a.cost)) / nullIf(sum(a.completed), 0) AS per_success,
    sum(a.priced_calls) / nullIf(sum(a.calls), 0) AS priced
FROM agents_hourly AS a FINAL
WHERE hour >= toStartOfHour({from:DateTime64(3, 'UTC')}) AND hour <= {to:DateTime64(3, 'UTC')}
  AND agent != ''
  AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow))
  AND (empty({agent:Array(String)}) OR has({agent:Array(String)}, agent))
GROUP BY agent, agent_version
ORDER BY taken_part DESC, agent, agent_version
LIMIT 200
