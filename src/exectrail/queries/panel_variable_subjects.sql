-- What can be shown beside what is usual for it: workflows and agents, those with the most runs first.
SELECT subject AS choice
FROM (
    SELECT if(workflow != '', toString(workflow), toString(name)) AS subject, 1 AS is_workflow, runs AS day_runs
    FROM runs_daily FINAL
    WHERE day > today() - 28
    UNION ALL
    SELECT toString(agent) AS subject, 0 AS is_workflow, runs AS day_runs
    FROM agents_daily FINAL
    WHERE day > today() - 28
)
WHERE subject != ''
GROUP BY subject
ORDER BY max(is_workflow) DESC, sum(day_runs) DESC, subject
LIMIT 500
