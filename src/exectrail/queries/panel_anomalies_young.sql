-- Workflows and agents with less than a week of history within the latest four: of these nothing is said yet.
SELECT
    subject, scope, workflow, project, environment, toDateTime(min(day), 'UTC') AS first_heard, uniqExact(day) AS days_heard, sum(day_runs) AS all_runs,
    first_heard + toIntervalDay(7) AS judged_from
FROM (
    SELECT day, 'workflow' AS scope, project, environment, workflow, if(workflow != '', workflow, name) AS subject, runs AS day_runs
    FROM runs_daily FINAL
    WHERE day > today() - 28
    UNION ALL
    SELECT day, 'agent' AS scope, project, environment, workflow, agent AS subject, runs AS day_runs
    FROM agents_daily FINAL
    WHERE day > today() - 28 AND agent != ''
)
WHERE (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow) OR has({workflow:Array(String)}, subject))
GROUP BY subject, scope, workflow, project, environment
HAVING judged_from > now('UTC')
ORDER BY judged_from DESC, scope DESC, subject
LIMIT 100
