-- events -> workers. Every event of a process proves that it lived, not only its heartbeats.
CREATE MATERIALIZED VIEW IF NOT EXISTS workers_from_events {on_cluster} TO workers AS
WITH
    ts > e.received + toIntervalDay(1) AS unusable,
    event = 'exectrail.worker.exited' AS exits,
    exits OR unusable AS no_beat
SELECT
    least(UUIDv7ToDateTime(toUUIDOrZero(e.worker_id), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')) AS created,
    worker_id,
    max(if(no_beat, toDateTime64(0, 6, 'UTC'), ts)) AS beat,
    min(if(no_beat, toInt64(9223372036854775807),
        toUnixTimestamp64Micro(e.received) - toUnixTimestamp64Micro(ts))) AS delay_us,
    max(if(unusable AND NOT exits, e.received, toDateTime64(0, 6, 'UTC'))) AS heard,
    max(e.received) AS received,
    min(e.received) AS first_received,
    max(e.lease_s) AS lease_s,
    maxIf(CAST((1, if(unusable, e.received, ts), toUInt8(exit_code IS NOT NULL), ifNull(exit_code, 0),
        toString(signal), oom),
        'Tuple(exited UInt8, ts DateTime64(6, \'UTC\'), has_code UInt8, exit_code Int32, signal String, oom UInt8)'),
        exits) AS exit,
    maxIf(CAST((worker_sequence, open_executions), 'Tuple(sequence UInt32, open_executions UInt32)'),
        event = 'exectrail.worker.heartbeat') AS heartbeat,
    max(e.host) AS host,
    max(e.pid) AS pid,
    max(e.service) AS service,
    max(e.service_version) AS service_version,
    max(e.project) AS project,
    max(e.environment) AS environment
FROM events AS e
WHERE reject = '' AND worker_id != ''
GROUP BY created, worker_id
