-- Projects (subject '') and workflows that are within the budget of today (UTC) and will not be by the end of it. value: US dollars by then.
--
-- value = spent / share. share: how much of a day's cost is usually spent by this moment, the median over the days of the window that
-- had a cost, the hour that is under way counted by the part of it that has gone. With fewer such days than `least`: the part of the
-- day that has gone. While share is below a fifth, little of the day is known, and nothing is said.
SELECT project, environment, subject, if(subject = '', 'all of it', concat('workflow ', subject)) AS detail, spent / share AS value
FROM (
    SELECT project, environment, subject,
        sumIf(total, day = toDate(now('UTC'))) AS spent,
        if(countIf(day < toDate(now('UTC')) AND total > 0) >= {least:Float64},
            quantileExactIf(0.5)(by_now / total, day < toDate(now('UTC')) AND total > 0),
            dateDiff('second', toStartOfDay(now('UTC')), now('UTC')) / 86400) AS share,
        if(subject = '', {threshold:Float64}, {own_values:Array(Float64)}[indexOf({own_names:Array(String)}, subject)]) AS budget
    FROM (
        SELECT project, environment, subject, toDate(hour) AS day,
            sum(usd) AS total,
            sum(usd * multiIf(toHour(hour) < toHour(now('UTC')), 1, toHour(hour) = toHour(now('UTC')),
                dateDiff('second', toStartOfHour(now('UTC')), now('UTC')) / 3600, 0)) AS by_now
        FROM (
            SELECT project, environment, arrayJoin(arrayDistinct(['', workflow])) AS subject, hour, toFloat64(ifNull(cost, 0)) AS usd
            FROM usage_hourly FINAL
            WHERE hour >= toStartOfDay(now('UTC') - toUInt32({window_s:Float64})) AND hour <= now('UTC') AND currency = 'USD'
        )
        GROUP BY project, environment, subject, day
    )
    GROUP BY project, environment, subject
)
WHERE budget > 0 AND spent > 0 AND spent <= budget AND share >= 0.2 AND value > budget
ORDER BY value DESC
