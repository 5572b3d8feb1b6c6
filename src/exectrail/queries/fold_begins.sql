-- When a fold begins, by the store's clock, and when the latest one did that is done.
SELECT now64(6, 'UTC') AS now, (SELECT max(began) FROM folds WHERE done = 1) AS last
