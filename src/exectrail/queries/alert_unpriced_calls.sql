-- Models of which calls in the window had no price. value: how many calls.
SELECT project, environment, model AS subject, provider AS detail, toFloat64(sum(calls) - sum(priced_calls)) AS value
FROM usage_hourly FINAL
WHERE hour >= toStartOfHour(now('UTC') - toUInt32({window_s:Float64}))
GROUP BY project, environment, subject, detail
HAVING value >= {threshold:Float64}
ORDER BY value DESC
