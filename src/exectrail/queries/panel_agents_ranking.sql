-- Agents by how surely they succeed: the lower bound of the share of successes (Wilson's interval, 95 %), so that three of three do not
-- stand above ninety of a hundred. Then by what a success costs.
SELECT
    row_number() OVER (ORDER BY surely DESC, per_success ASC NULLS LAST, agent) AS place, agent, ended_runs, success_share, surely,
    p95_ms, tokens_per_run, per_success
FROM (
    SELECT
        agent, sum(a.runs) - sum(a.open) AS ended_runs, sum(a.completed) / ended_runs AS success_share,
        (success_share + 1.9208 / ended_runs
            - 1.96 * sqrt((success_share * (1 - success_share) + 0.9604 / ended_runs) / ended_runs)) / (1 + 3.8416 / ended_runs) AS surely,
        arrayMap(x -> if(isNaN(x), NULL, x), quantilesTDigestMerge(0.5, 0.9, 0.95, 0.99)(a.durations))[3] AS p95_ms,
        sum(a.input_tokens + a.output_tokens) / sum(a.runs) AS tokens_per_run,
        toFloat64(sum(a.cost)) / nullIf(sum(a.completed), 0) AS per_success
    FROM agents_hourly AS a FINAL
    WHERE hour >= toStartOfHour({from:DateTime64(3, 'UTC')}) AND hour <= {to:DateTime64(3, 'UTC')}
      AND agent != ''
      AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
      AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow))
      AND (empty({agent:Array(String)}) OR has({agent:Array(String)}, agent))
    GROUP BY agent
    HAVING ended_runs > 0
)
ORDER BY place
LIMIT 100
