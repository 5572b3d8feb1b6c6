-- What can be chosen from: workflows that were seen.
SELECT DISTINCT toString(workflow) AS choice
FROM runs_daily FINAL
WHERE workflow != ''
ORDER BY choice
LIMIT 500
