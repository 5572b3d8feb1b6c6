-- Runs made in the window that cost more than allowed; a limit of 0 is none. value: US dollars.
SELECT project, environment, if(workflow != '', workflow, name) AS subject, execution_id AS detail, toFloat64(ifNull(cost, 0)) AS value
FROM runs FINAL
WHERE created >= now64(3, 'UTC') - toIntervalSecond(toUInt32({window_s:Float64}))
    AND (if(has({own_names:Array(String)}, subject), {own_values:Array(Float64)}[indexOf({own_names:Array(String)}, subject)], {threshold:Float64}) AS allowed) > 0 AND value > allowed
ORDER BY value DESC
