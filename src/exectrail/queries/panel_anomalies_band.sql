-- One measure of one workflow or agent by the hour, with the bounds beyond which an hour is called unusual (NULL: too little history).
-- Where several have the name, the one with most runs in the time shown, a workflow before an agent.
WITH (
    SELECT (scope, project, environment, workflow)
    FROM measures_hourly_of(since = toStartOfHour(toDateTime({from:DateTime64(3, 'UTC')}, 'UTC')), until = toDateTime({to:DateTime64(3, 'UTC')}, 'UTC'))
    WHERE subject = decodeURLComponent({shown:String}) AND measure = {measure:String}
      AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
    GROUP BY scope, project, environment, workflow
    ORDER BY scope DESC, sum(n) DESC, project, environment, workflow
    LIMIT 1
) AS chosen
SELECT hour AS time, max(p.lower) AS usual_from, max(p.upper) AS usual_to, max(p.told) AS measured, if(max(p.hit) = 1, measured, NULL) AS unusual
FROM (
    SELECT scope, project, environment, workflow, hour, if(shape = 'total', value, value / n) AS told, NULL AS lower, NULL AS upper, 0 AS hit
    FROM measures_hourly_of(since = toStartOfHour(toDateTime({from:DateTime64(3, 'UTC')}, 'UTC')), until = toDateTime({to:DateTime64(3, 'UTC')}, 'UTC'))
    WHERE subject = decodeURLComponent({shown:String}) AND measure = {measure:String}
    UNION ALL
    SELECT
        scope, project, environment, workflow, hour, value AS told,
        multiIf(shape = 'total', pow(greatest(0, from_y), 2), shape = 'mean', exp(from_y), greatest(0, from_y)) AS lower,
        multiIf(shape = 'total', pow(to_y, 2), shape = 'mean', exp(to_y), least(1, to_y)) AS upper,
        (enough_more AND y > to_y) OR (enough_less AND y < from_y AND hour + 3600 <= now('UTC')) AS hit
    FROM (
        SELECT *, usual_low - {factor:Float64} * deviation AS from_y, usual_high + {factor:Float64} * deviation AS to_y
        FROM usual_of(since = toStartOfHour(toDateTime({from:DateTime64(3, 'UTC')}, 'UTC')), until = toDateTime({to:DateTime64(3, 'UTC')}, 'UTC'),
            subject = decodeURLComponent({shown:String}))
        WHERE measure = {measure:String}
    )
) AS p
WHERE (p.scope, p.project, p.environment, p.workflow) = chosen
GROUP BY time
ORDER BY time
