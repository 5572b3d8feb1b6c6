-- What can be chosen from: models that were seen.
SELECT DISTINCT toString(model) AS choice
FROM usage_daily FINAL
WHERE model != ''
ORDER BY choice
LIMIT 500
