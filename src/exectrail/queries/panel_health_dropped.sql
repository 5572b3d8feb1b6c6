-- What programs could not keep in the time shown, by where they lost it: counters of processes, each from when it began.
SELECT service, site, toUInt64(sum(grown)) AS dropped, count() AS processes, max(last_told) AS latest
FROM (
    SELECT
        ServiceName AS service, Attributes['exectrail.telemetry.site'] AS site, max(TimeUnix) AS last_told,
        if(min(StartTimeUnix) >= {from:DateTime64(3, 'UTC')}, max(Value), max(Value) - min(Value)) AS grown
    FROM otel_metrics_sum
    WHERE MetricName = 'exectrail.telemetry.dropped' AND TimeUnix >= {from:DateTime64(3, 'UTC')} AND TimeUnix <= {to:DateTime64(3, 'UTC')}
      AND (empty({project:Array(String)}) OR has({project:Array(String)}, ResourceAttributes['service.namespace']))
    GROUP BY service, site, ResourceAttributes, Attributes, StartTimeUnix
)
WHERE grown > 0
GROUP BY service, site
ORDER BY dropped DESC, service, site
LIMIT 100
