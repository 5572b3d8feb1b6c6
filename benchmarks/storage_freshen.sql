-- What a store at work has heard lately: the pipeline's canary for the last hour and the next, and a beat of each process that
-- works on what is open, so that none is taken for dead while the benchmark asks.
INSERT INTO otel_metrics_gauge (MetricName, TimeUnix, Received, Value)
SELECT
    'exectrail.pipeline.canary',
    now64(9, 'UTC') + toIntervalSecond(5 * (toInt64(number) - 720)),
    now64(9, 'UTC') + toIntervalSecond(5 * (toInt64(number) - 720)),
    1
FROM numbers(1440);

INSERT INTO otel_logs (Timestamp, EventName, ResourceAttributes, LogAttributes, Received)
SELECT
    now64(9, 'UTC'), 'exectrail.worker.heartbeat',
    map('exectrail.worker.id', worker_id, 'exectrail.worker.lease', '86400.0'),
    map('event.name', 'exectrail.worker.heartbeat', 'exectrail.worker.sequence',
        toString(10000 + toUnixTimestamp(now()) % 1000000000), 'exectrail.worker.open_executions', '8'),
    now64(9, 'UTC') + toIntervalMillisecond(100)
FROM (SELECT worker_id FROM workers GROUP BY worker_id HAVING max(lease_s) > 45)
