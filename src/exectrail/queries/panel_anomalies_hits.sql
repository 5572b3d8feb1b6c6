-- Hours in the time shown in which a workflow or an agent was not as usual, in words; the latest and most unusual first.
WITH (x, scale) -> toString(round(x * scale, 2)) AS shown
SELECT
    hour, subject, measure, abs(deviations) AS times_off, if(deviations > 0, 'more', 'less') AS direction,
    concat(shown(value, scale), unit, if(measure LIKE '% rate', concat(' of ', toString(toUInt64(n)), ' runs'), '')) AS was,
    concat(if(shown(low, scale) = shown(high, scale), shown(low, scale), concat(shown(low, scale), ' to ', shown(high, scale))), unit,
        ' +- ', shown(spread, scale), unit) AS usual,
    concat('the ', toString(history), ' days before, ',
        multiIf(measure IN ('runs', 'cost'), concat('at ', formatDateTime(hour, '%H:%i'), ' UTC'), measure LIKE '% rate', 'all hours',
            'all hours and the same one')) AS against,
    scope, workflow, if(scope = 'agent', subject, '') AS agent, project, environment,
    -- for links: the hour and the subject, as an address takes them
    toUnixTimestamp(hour) * 1000 AS from_ms, (toUnixTimestamp(hour) + 3600) * 1000 AS to_ms
FROM (
    SELECT
        *,
        multiIf(measure IN ('cost', 'cost per run'), ' USD', measure IN ('duration', 'CPU'), ' s', measure = 'peak memory', ' MiB', measure LIKE '% rate', ' %', '') AS unit,
        multiIf(unit = ' %', 100, unit = ' MiB', 1 / 1048576, 1) AS scale
    FROM anomalies_of(since = toStartOfHour(toDateTime({from:DateTime64(3, 'UTC')}, 'UTC')),
        until = toDateTime({to:DateTime64(3, 'UTC')}, 'UTC'), factor = {factor:Float64})
)
WHERE (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow) OR has({workflow:Array(String)}, subject))
ORDER BY hour DESC, times_off DESC, scope DESC, subject, measure
LIMIT 200
