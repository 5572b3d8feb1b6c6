-- What was lost in the window: events that came and could not be used, and what programs say that they dropped. value: how many.
--
-- A program's counter is one series per process and site. Where each point tells all since its start (temporality 2), it is what the
-- series has grown by in the window, over its latest point of the day before; where each tells what is new (1), their sum. A point that
-- came twice counts once either way.
SELECT project, environment, service AS subject, detail, toFloat64(sum(lost)) AS value
FROM (
    SELECT project, '' AS environment, service, reject AS detail, toFloat64(count()) AS lost
    FROM rejects FINAL
    WHERE received >= now64(6, 'UTC') - toIntervalSecond(toUInt32({window_s:Float64}))
    GROUP BY project, service, detail
    UNION ALL
    SELECT project, environment, service, concat('dropped by the program: ', site) AS detail,
        if(temporality = 1, sumIf(point, inside), greatest(maxIf(point, inside) - maxIf(point, NOT inside), 0)) AS lost
    FROM (
        SELECT leftUTF8(ResourceAttributes['service.namespace'], 256) AS project,
            leftUTF8(ResourceAttributes['deployment.environment.name'], 256) AS environment,
            leftUTF8(ResourceAttributes['service.name'], 256) AS service,
            leftUTF8(Attributes['exectrail.telemetry.site'], 256) AS site,
            AggregationTemporality AS temporality,
            cityHash64(ResourceAttributes, Attributes, if(AggregationTemporality = 1, '', toString(StartTimeUnix))) AS series,
            TimeUnix >= now64(9, 'UTC') - toIntervalSecond(toUInt32({window_s:Float64})) AS inside,
            max(Value) AS point
        FROM otel_metrics_sum
        WHERE MetricName = 'exectrail.telemetry.dropped'
            AND TimeUnix >= now64(9, 'UTC') - toIntervalSecond(86400 + toUInt32({window_s:Float64}))
        GROUP BY project, environment, service, site, temporality, series, inside, TimeUnix
    )
    GROUP BY project, environment, service, site, temporality, series
)
GROUP BY project, environment, subject, detail
HAVING value >= {threshold:Float64}
ORDER BY value DESC
