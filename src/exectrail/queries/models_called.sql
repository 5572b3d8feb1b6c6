-- Models as calls of some time named them, which a version of the prices was not asked for yet.
SELECT provider, model
FROM usage
WHERE usage_role = 'billing'
  AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
  AND (provider, model) NOT IN (SELECT provider, model FROM model_prices WHERE version = {version:String})
GROUP BY provider, model
ORDER BY provider, model
