-- Projects (subject '') and workflows that cost more today (UTC) than their budget; a budget of 0 is none. value: US dollars.
SELECT project, environment, subject, if(subject = '', 'all of it', concat('workflow ', subject)) AS detail, sum(toFloat64(ifNull(cost, 0))) AS value
FROM (
    SELECT project, environment, arrayJoin(arrayDistinct(['', workflow])) AS subject, cost
    FROM usage_daily FINAL
    WHERE day = toDate(now('UTC')) AND currency = 'USD'
)
GROUP BY project, environment, subject
HAVING (if(subject = '', {threshold:Float64}, {own_values:Array(Float64)}[indexOf({own_names:Array(String)}, subject)]) AS budget) > 0 AND value > budget
ORDER BY value DESC
