-- Processes that let their lease run out without a word of their end, heard last within the window. value: seconds of silence.
SELECT project, environment, service AS subject, concat(host, ' pid ', toString(pid)) AS detail,
    dateDiff('millisecond', last_heartbeat, now64(6, 'UTC')) / 1000 AS value
FROM workers_alive
WHERE status = 'silent' AND judgeable AND last_heartbeat > now64(6, 'UTC') - toIntervalSecond(toUInt32({window_s:Float64}))
    AND value > {threshold:Float64}
ORDER BY value DESC
