-- events -> workers. Every event of a process proves that it lived, not only its heartbeats. A time more than a day ahead
-- of the store is no time to judge by: `received` stands in.
CREATE MATERIALIZED VIEW IF NOT EXISTS workers_from_events {on_cluster} TO workers DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH
    ts > e.received + toIntervalDay(1) AS unusable,
    toUnixTimestamp64Micro(e.received) AS received_us,
    toUnixTimestamp64Micro(if(unusable, e.received, ts)) AS told_us,
    startsWith(event, 'exectrail.worker.') AS of_worker,
    event = 'exectrail.worker.exited' AS exits,
    worker_sequence >= 2147483648 AS supervised,
    'Tuple(sequence UInt32, unreceived Int64, ts_us Int64, has_code UInt8, exit_code Int32, signal String, oom UInt8)' AS exit_type
SELECT
    least(UUIDv7ToDateTime(toUUIDOrZero(e.worker_id), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')) AS created,
    worker_id,
    max(if(unusable, toDateTime64(0, 6, 'UTC'), ts)) AS beat,
    min(if(unusable, toInt64(9223372036854775807), received_us - toUnixTimestamp64Micro(ts))) AS delay_us,
    max(if(unusable AND NOT exits, e.received, toDateTime64(0, 6, 'UTC'))) AS heard,
    maxMapIf(map(toUInt8(worker_sequence % 4 + 4 * supervised), CAST((worker_sequence, -received_us, told_us),
        'Tuple(sequence UInt32, unreceived Int64, ts_us Int64)')), of_worker) AS latest,
    maxIf(CAST((told_us, -received_us), 'Tuple(ts_us Int64, unreceived Int64)'), NOT of_worker) AS told,
    maxIf(CAST((ts, -received_us), 'Tuple(ts DateTime64(6, \'UTC\'), unreceived Int64)'),
        event = 'exectrail.execution.state_changed' AND valid = 1) AS moved,
    max(e.received) AS received,
    min(e.received) AS first_received,
    max(e.lease_s) AS lease_s,
    maxIf(CAST((worker_sequence, -received_us, told_us, toUInt8(exit_code IS NOT NULL), ifNull(exit_code, 0),
        toString(signal), oom), exit_type), exits AND NOT supervised) AS own_exit,
    maxIf(CAST((worker_sequence, -received_us, told_us, toUInt8(exit_code IS NOT NULL), ifNull(exit_code, 0),
        toString(signal), oom), exit_type), exits AND supervised) AS seen_exit,
    maxIf(CAST((worker_sequence, told_us, ifNull(cpu_seconds, -1), toInt64(ifNull(memory_peak_bytes, -1)),
        toInt64(ifNull(disk_read_bytes, -1)), toInt64(ifNull(disk_write_bytes, -1))),
        'Tuple(sequence UInt32, ts_us Int64, cpu_seconds Float64, memory_peak_bytes Int64, disk_read_bytes Int64,
        disk_write_bytes Int64)'), of_worker AND (cpu_seconds IS NOT NULL OR memory_peak_bytes IS NOT NULL)) AS used,
    maxIf(CAST((worker_sequence, open_executions), 'Tuple(sequence UInt32, open_executions UInt32)'),
        event = 'exectrail.worker.heartbeat' AND NOT supervised) AS heartbeat,
    max(e.host) AS host,
    max(e.pid) AS pid,
    max(e.service) AS service,
    max(e.service_version) AS service_version,
    max(e.project) AS project,
    max(e.environment) AS environment
FROM events AS e
WHERE reject = '' AND worker_id != ''
GROUP BY created, worker_id
