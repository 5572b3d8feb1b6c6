-- Events that came in the window and could not be used. value: how many.
SELECT project, '' AS environment, service AS subject, reject AS detail, toFloat64(count()) AS value
FROM rejects FINAL
WHERE received >= now64(6, 'UTC') - toIntervalSecond(toUInt32({window_s:Float64}))
GROUP BY project, subject, detail
HAVING value >= {threshold:Float64}
ORDER BY value DESC
