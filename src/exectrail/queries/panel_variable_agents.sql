-- What can be chosen from: agents that were seen.
SELECT DISTINCT toString(agent) AS choice
FROM agents_daily FINAL
WHERE agent != ''
ORDER BY choice
LIMIT 500
