-- Runs that have been paused for longer than allowed. value: seconds.
SELECT project, environment, if(workflow != '', workflow, name) AS subject, execution_id AS detail,
    dateDiff('millisecond', state_since, now64(6, 'UTC')) / 1000 AS value
FROM runs FINAL
WHERE (created, execution_id) IN (SELECT created, execution_id FROM open_segments WHERE state = 'paused')
    AND effective_state = 'paused'
    AND value > if(has({own_names:Array(String)}, subject), {own_values:Array(Float64)}[indexOf({own_names:Array(String)}, subject)], {threshold:Float64})
ORDER BY value DESC
