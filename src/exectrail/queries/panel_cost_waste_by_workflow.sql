-- What runs cost that failed or were abandoned, by workflow, and what a success costs with that; US dollars.
SELECT
    workflow, sum(r.runs) AS all_runs, sum(r.success) AS successes, toFloat64(sum(r.cost)) AS spent, toFloat64(sum(r.wasted)) AS lost,
    lost / nullIf(spent, 0) AS lost_share, spent / nullIf(successes, 0) AS per_success
FROM runs_hourly AS r FINAL
WHERE hour >= toStartOfHour({from:DateTime64(3, 'UTC')}) AND hour <= {to:DateTime64(3, 'UTC')}
  AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow))
GROUP BY workflow
ORDER BY lost DESC NULLS LAST, spent DESC NULLS LAST, workflow
LIMIT 100
