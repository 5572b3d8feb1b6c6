-- What each collector told of itself in the time shown: taken, refused (senders keep it), failed and stored, by kind of telemetry.
WITH extract(MetricName, '(log_records|spans|metric_points)') AS kind
SELECT
    collector, kind,
    sumIf(grown, MetricName LIKE 'otelcol_receiver_accepted_%') AS taken,
    sumIf(grown, MetricName LIKE 'otelcol_receiver_refused_%') AS refused,
    sumIf(grown, MetricName LIKE 'otelcol_receiver_failed_%' OR MetricName LIKE 'otelcol_exporter_send_failed_%'
        OR MetricName LIKE 'otelcol_exporter_enqueue_failed_%') AS failures,
    sumIf(grown, MetricName LIKE 'otelcol_exporter_sent_%') AS stored,
    max(last_told) AS latest
FROM (
    SELECT
        MetricName, ResourceAttributes['service.instance.id'] AS collector, max(TimeUnix) AS last_told,
        if(min(StartTimeUnix) >= {from:DateTime64(3, 'UTC')}, max(Value), max(Value) - min(Value)) AS grown
    FROM otel_metrics_sum
    WHERE (MetricName LIKE 'otelcol_receiver_%' OR MetricName LIKE 'otelcol_exporter_%')
      AND TimeUnix >= {from:DateTime64(3, 'UTC')} AND TimeUnix <= {to:DateTime64(3, 'UTC')}
    GROUP BY MetricName, collector, Attributes, StartTimeUnix
)
WHERE kind != ''
GROUP BY collector, kind
ORDER BY latest DESC, collector, kind
LIMIT 100
