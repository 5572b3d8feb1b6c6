-- Workflows of whose runs that ended in the window too many died. value: their share.
SELECT project, environment, if(workflow != '', workflow, name) AS subject, '' AS detail,
    countIf(outcome = 'abandoned') / count() AS value
FROM runs FINAL
WHERE created >= now64(3, 'UTC') - toIntervalDay(2) AND ended_at >= now64(6, 'UTC') - toIntervalSecond(toUInt32({window_s:Float64})) AND mode != 'simulation'
GROUP BY project, environment, subject
HAVING count() >= {least:Float64}
    AND value > if(has({own_names:Array(String)}, subject), {own_values:Array(Float64)}[indexOf({own_names:Array(String)}, subject)], {threshold:Float64})
ORDER BY value DESC, subject
