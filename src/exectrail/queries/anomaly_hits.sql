-- Hours in which a workflow or an agent was not as usual, latest and most unusual first, in words. What is empty does not filter.
WITH (x, scale) -> toString(round(x * scale, 2)) AS shown
SELECT
    hour, scope, project, environment, workflow, subject, measure, value, low, high, deviations, history,
    multiIf(measure IN ('cost', 'cost per run'), ' USD', measure IN ('duration', 'CPU'), ' s', measure = 'peak memory', ' MiB', measure IN ('error rate', 'abandonment rate'), ' %', '') AS unit,
    multiIf(unit = ' %', 100, unit = ' MiB', 1 / 1048576, 1) AS scale,
    concat(measure, ' ', shown(value, scale), unit, ' in this hour',
        if(measure LIKE '% rate', concat(' (of ', toString(toUInt64(n)), ' runs)'), ''),
        '; usual at ', formatDateTime(hour, '%H:%i'), ' is ',
        if(shown(low, scale) = shown(high, scale), shown(low, scale), concat(shown(low, scale), ' to ', shown(high, scale))), unit,
        ' +- ', shown(spread, scale), unit, ' over ', toString(history), ' days') AS words
FROM anomalies_of(since = {since:DateTime('UTC')}, until = {until:DateTime('UTC')}, factor = {factor:Float64})
WHERE ({scope:String} = '' OR scope = {scope:String})
    AND ({workflow:String} = '' OR workflow = {workflow:String})
    AND ({measure:String} = '' OR measure = {measure:String})
ORDER BY hour DESC, abs(deviations) DESC
LIMIT {limit:UInt32}
