-- When a fold begins, by the store's clock, and when the latest one did.
SELECT now64(6, 'UTC') AS now, (SELECT max(began) FROM folds) AS last
