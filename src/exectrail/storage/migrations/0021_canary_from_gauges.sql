-- otel_metrics_gauge -> canary
CREATE MATERIALIZED VIEW IF NOT EXISTS canary_from_gauges {on_cluster} TO canary AS
SELECT toDateTime64(Received, 6, 'UTC') AS received
FROM otel_metrics_gauge
WHERE MetricName = 'exectrail.pipeline.canary'
