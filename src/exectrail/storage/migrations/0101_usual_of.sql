-- What is usual of each measure (0100) of a workflow or an agent, hour by hour, since one time and until another, and how far off the
-- hour was. `subject` takes one workflow or agent by its name; '' takes all.
--
-- What is usual is told by the hours before, by medians, which a fault of a few days does not move:
-- * total (runs, cost): the same hour of up to 14 days before, and, after two weeks, of the same weekday of up to four weeks
--   before: what lies between the two is usual. By square roots, in which counts vary by the same amount whether many or few. An hour that
--   was not told counts as 0.
-- * mean (cost, tokens, duration, iterations of a run): all hours of the 14 days before the day, and the same hour of these
--   where five of them have runs: again what lies between. By logarithms; a mean over n runs varies by the root of n less.
-- * share (errors, deaths): the share over the 14 days before; three runs at least.
-- A deviation is never taken for less than a floor, so that what never varied does not hit when it does; seven days of history are
-- needed: an hour with less has no row.
--
-- * low, high: what is usual lies between them. y, usual_low, usual_high, deviation: the same on the scale on which it is compared.
-- * enough_more, enough_less: the hour is far enough off in the measure's own unit, too, to be called unusual.
CREATE OR REPLACE VIEW usual_of {on_cluster} AS
WITH
    points AS (
        SELECT hour, scope, project, environment, workflow, subject, measure, shape, value, n
        FROM measures_hourly_of(since = {since:DateTime('UTC')} - 2419200, until = {until:DateTime('UTC')})
        WHERE {subject:String} = '' OR subject = {subject:String}
    ),
    histories AS (
        SELECT
            scope, project, environment, workflow, subject, measure, day,
            groupArray((hour, value, n)) AS past,
            uniqExact(toDate(hour)) AS history
        FROM (
            SELECT *, toDate(hour) + arrayJoin(range(1, 15)) AS day
            FROM points
        )
        WHERE day >= toDate({since:DateTime('UTC')}) AND day <= toDate({until:DateTime('UTC')})
        GROUP BY scope, project, environment, workflow, subject, measure, day
        HAVING dateDiff('day', min(hour), toDateTime(day, 'UTC')) >= 7
    ),
    habits AS (
        SELECT
            scope, project, environment, workflow, subject, measure, day,
            arrayMap(h -> arrayReduce('medianExact', arrayMap(x -> sqrt(x.2), arrayFilter(x -> toHour(x.1) = h, past))), range(24)) AS levels,
            arrayReduce('quantileExact(0.98)', arrayMap(x -> sqrt(x.2) / greatest(levels[toHour(x.1) + 1], 0.000001), past)) AS burst,
            arrayFilter(x -> x.1 < day - 7 AND sqrt(x.2) > 0.7 * levels[toHour(x.1) + 1], past).1 AS a_week_before,
            length(arrayFilter(x -> NOT has(past.1, x + 604800), a_week_before)) / greatest(1, length(a_week_before)) AS gaps
        FROM histories
        WHERE measure IN ('runs', 'cost')
    ),
    totals AS (
        SELECT
            scope, project, environment, workflow, subject, measure, 'total' AS shape, at AS hour, value, n,
            days AS history, usual_low * usual_low AS low, usual_high * usual_high AS high, sqrt(value) AS y, usual_low, usual_high, deviation,
            value > 1.3 * high AND y > 1.2 * burst * usual_high AS enough_more,
            value < 0.5 * low AND gaps < 0.06 AS enough_less
        FROM (
            SELECT
                *,
                toDate(at) AS day,
                intDiv(dateDiff('second', first, at), 86400) AS age,
                least(14, age) AS days,
                intDiv(least(age, 28), 7) AS weeks,
                arrayFilter(x -> x.1 <= 14, past) AS told,
                arrayResize(told.2, greatest(days, length(told))) AS of_day,
                arrayFilter(x -> x.1 % 7 = 0, past).2 AS told_week,
                arrayResize(told_week, greatest(weeks, length(told_week))) AS of_week,
                arrayReduce('medianExact', arrayMap(v -> sqrt(v), of_day)) AS level,
                if(weeks >= 2, arrayReduce('medianExact', arrayMap(v -> sqrt(v), of_week)), level) AS level_week,
                least(level, level_week) AS usual_low,
                greatest(level, level_week) AS usual_high,
                greatest(
                    1.4826 * arrayReduce('medianExact', arrayMap(v -> abs(sqrt(v) - level), of_day)),
                    0.6 * sqrt((arraySum(of_day) + value) / (arraySum(told.3) + n)),
                    0.05 * usual_high) AS deviation
            FROM (
                SELECT
                    scope, project, environment, workflow, subject, measure, at,
                    any(t.first) AS first,
                    sumIf(t.value, back = 0) AS value,
                    sumIf(t.n, back = 0) AS n,
                    groupArrayIf((back, t.value, t.n), back > 0) AS past
                FROM (
                    SELECT *, arrayJoin(arrayFilter(b -> hour + b * 86400 >= {since:DateTime('UTC')} AND hour + b * 86400 < {until:DateTime('UTC')},
                        range(29))) AS back, hour + back * 86400 AS at
                    FROM (
                        SELECT *, min(hour) OVER (PARTITION BY scope, project, environment, workflow, subject, measure) AS first
                        FROM points WHERE shape = 'total'
                    )
                ) AS t
                GROUP BY scope, project, environment, workflow, subject, measure, at
            )
        ) AS t
        INNER JOIN habits AS h USING (scope, project, environment, workflow, subject, measure, day)
        WHERE days >= 7
    ),
    means AS (
        SELECT
            scope, project, environment, workflow, subject, measure, shape, hour, exp(y) AS value, n,
            history, exp(usual_low) AS low, exp(usual_high) AS high, y, usual_low, usual_high, deviation,
            y > usual_high + 0.4 AS enough_more,
            y < usual_low - 0.7 AS enough_less
        FROM (
            SELECT
                *,
                log(value / n) AS y,
                arrayMap(x -> log(x.2 / x.3), past) AS logs,
                arrayReduce('medianExactWeighted', logs, arrayMap(x -> toUInt64(x.3), past)) AS level,
                arrayFilter(x -> toHour(x.1) = toHour(hour), past) AS of_hour,
                if(length(of_hour) >= 5, arrayReduce('medianExact', arrayMap(x -> log(x.2 / x.3), of_hour)), level) AS level_hour,
                least(level, level_hour) AS usual_low,
                greatest(level, level_hour) AS usual_high,
                1.4826 * arrayReduce('medianExact', arrayMap((l, x) -> abs(l - level) * sqrt(x.3), logs, past)) AS deviation_run,
                sqrt(pow(greatest(deviation_run, 0.2), 2) / n + 0.0025) AS deviation
            FROM (SELECT *, toDate(hour) AS day FROM points WHERE shape = 'mean' AND hour >= {since:DateTime('UTC')} AND value > 0) AS p
            INNER JOIN (SELECT * REPLACE (arrayFilter(x -> x.2 > 0, past) AS past) FROM histories) AS h
                USING (scope, project, environment, workflow, subject, measure, day)
            WHERE length(past) >= 10
        )
    ),
    shares AS (
        SELECT
            scope, project, environment, workflow, subject, measure, shape, hour, y AS value, n,
            history, usual AS low, usual AS high, y, usual AS usual_low, usual AS usual_high, deviation,
            hits >= 3 AND y > usual + 0.1 AS enough_more,
            0 AS enough_less
        FROM (
            SELECT
                * EXCEPT (value), p.value AS hits, p.value / n AS y,
                arraySum(arrayMap(x -> x.2, past)) / arraySum(arrayMap(x -> x.3, past)) AS usual,
                sqrt(greatest(usual, 0.01) * (1 - least(usual, 0.99)) / n) AS deviation
            FROM (SELECT *, toDate(hour) AS day FROM points WHERE shape = 'share' AND hour >= {since:DateTime('UTC')}) AS p
            INNER JOIN histories AS h USING (scope, project, environment, workflow, subject, measure, day)
            WHERE length(past) >= 10
        )
    )
SELECT * FROM totals
UNION ALL SELECT * FROM means
UNION ALL SELECT * FROM shares
