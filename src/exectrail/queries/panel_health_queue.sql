-- How full the collectors' queues were, by kind of telemetry: the fullest at any time in the interval, as a share of what it can hold.
SELECT time, data_type AS queue, max(filled) AS used_share
FROM (
    SELECT
        toStartOfInterval(TimeUnix, toIntervalSecond({step:UInt32})) AS time, Attributes['data_type'] AS data_type,
        maxIf(Value, MetricName = 'otelcol_exporter_queue_size') / nullIf(maxIf(Value, MetricName = 'otelcol_exporter_queue_capacity'), 0) AS filled
    FROM otel_metrics_gauge
    WHERE MetricName IN ('otelcol_exporter_queue_size', 'otelcol_exporter_queue_capacity')
      AND TimeUnix >= {from:DateTime64(3, 'UTC')} AND TimeUnix <= {to:DateTime64(3, 'UTC')}
    GROUP BY time, data_type, ResourceAttributes, Attributes
)
GROUP BY time, queue
ORDER BY time, queue
