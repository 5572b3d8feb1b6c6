-- What can be chosen from: projects that were seen.
SELECT DISTINCT toString(project) AS choice
FROM runs_daily FINAL
WHERE project != ''
ORDER BY choice
LIMIT 500
