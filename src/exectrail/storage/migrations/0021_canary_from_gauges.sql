-- otel_metrics_gauge -> canary: what a receiver or a collector says of itself, come the way of everything else.
--
-- The embedded receiver sends a point that says nothing but that it came: 0 for its first one, 1 for all others. A collector has a queue for each kind of
-- telemetry, and a metric that came through its own says nothing of the one for log records, in which states and
-- heartbeats wait. So its canary is the length of that queue, which its exporter reports under the name below, in bytes.
-- It counts while no more waits than is stored within a few seconds: after an outage, that is, once the queue has
-- drained, so that nobody is judged by what still waits in it. 64 MiB is a few times what is on its way under full load.
CREATE MATERIALIZED VIEW IF NOT EXISTS canary_from_gauges {on_cluster} TO canary DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    toDateTime64(Received, 6, 'UTC') AS received,
    toUInt8(MetricName = 'exectrail.pipeline.canary' AND Value = 0) AS starts
FROM {otel_metrics_gauge}
WHERE MetricName = 'exectrail.pipeline.canary'
    OR (MetricName = 'otelcol_exporter_queue_size' AND Attributes['data_type'] = 'logs'
        AND startsWith(Attributes['exporter'], 'clickhouse') AND Value <= 67108864)
