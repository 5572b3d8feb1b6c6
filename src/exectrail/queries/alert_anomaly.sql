-- What was not as usual in the hours of the window, and in this one as far as it has gone. value: by how many deviations, the most.
SELECT project, environment, subject, measure AS detail, max(abs(deviations)) AS value
FROM anomalies_of(since = toStartOfHour(now('UTC')) - toUInt32({window_s:Float64}), until = toStartOfHour(now('UTC')) + 3600, factor = {threshold:Float64})
WHERE scope = 'workflow' AND NOT (has({own_names:Array(String)}, subject) AND abs(deviations) <= {own_values:Array(Float64)}[indexOf({own_names:Array(String)}, subject)])
GROUP BY project, environment, subject, measure
ORDER BY value DESC
