-- Hours of a time range in which runs were made or calls were, or of which roll-ups say so: what can be written anew.
SELECT DISTINCT what, hour
FROM (
    SELECT 'runs' AS what, toStartOfHour(toDateTime(made, 'UTC')) AS hour FROM runs
    UNION ALL
    SELECT 'runs', hour FROM runs_hourly
    UNION ALL
    SELECT 'runs', hour FROM agents_hourly
    UNION ALL
    SELECT 'usage', toStartOfHour(toDateTime(ts, 'UTC')) FROM usage
    UNION ALL
    SELECT 'usage', hour FROM usage_hourly
)
WHERE hour BETWEEN toStartOfHour(toDateTime({since:DateTime64(6, 'UTC')})) AND toDateTime({until:DateTime64(6, 'UTC')})
ORDER BY what, hour
