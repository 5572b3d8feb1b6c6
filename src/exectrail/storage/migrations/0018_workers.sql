-- What is known of each process that reports. Columns are maxima and minima, as in 0014. Read it through the view
-- `workers_alive`, which says why each of these is kept. Partition (by the time in the worker's id) and TTL: see 0012.
--
-- * beat and delay_us: its latest sign of life by its own clock, and the least difference between the store's clock
--   and its own.
-- * heard: for clocks that are more than a day ahead, which say nothing of either; the store's clock alone.
-- * latest: its four latest worker events by its own count (slots 0 to 3), and the four latest that a supervisor wrote
--   for it, which count from 2^31 (slots 4 to 7). unreceived is minus the store's time in microseconds: of an event that came
--   twice the first arrival is kept.
-- * told: the latest event of its executions. moved: the latest valid change of state of one.
-- * own_exit and seen_exit: its last word by itself, and by whoever watched it.
-- * used: what it had used in its life, by the latest worker event that says so; below 0 where that was not told.
CREATE TABLE IF NOT EXISTS workers {on_cluster} (
    created DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    worker_id String,
    beat SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    delay_us SimpleAggregateFunction(min, Int64),
    heard SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    latest SimpleAggregateFunction(maxMap, Map(UInt8, Tuple(sequence UInt32, unreceived Int64, ts_us Int64))),
    told SimpleAggregateFunction(max, Tuple(ts_us Int64, unreceived Int64)),
    moved SimpleAggregateFunction(max, Tuple(ts DateTime64(6, 'UTC'), unreceived Int64)),
    received SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    first_received SimpleAggregateFunction(min, DateTime64(6, 'UTC')),
    lease_s SimpleAggregateFunction(max, Float64),
    own_exit SimpleAggregateFunction(max, Tuple(sequence UInt32, unreceived Int64, ts_us Int64, has_code UInt8,
        exit_code Int32, signal String, oom UInt8)),
    seen_exit SimpleAggregateFunction(max, Tuple(sequence UInt32, unreceived Int64, ts_us Int64, has_code UInt8,
        exit_code Int32, signal String, oom UInt8)),
    used SimpleAggregateFunction(max, Tuple(sequence UInt32, ts_us Int64, cpu_seconds Float64, memory_peak_bytes Int64,
        disk_read_bytes Int64, disk_write_bytes Int64)),
    heartbeat SimpleAggregateFunction(max, Tuple(sequence UInt32, open_executions UInt32)),
    host SimpleAggregateFunction(max, LowCardinality(String)),
    pid SimpleAggregateFunction(max, UInt32),
    service SimpleAggregateFunction(max, LowCardinality(String)),
    service_version SimpleAggregateFunction(max, LowCardinality(String)),
    project SimpleAggregateFunction(max, LowCardinality(String)),
    environment SimpleAggregateFunction(max, LowCardinality(String))
) ENGINE = AggregatingMergeTree
PARTITION BY (toYear(created) % 8, toMonth(created))
ORDER BY (created, worker_id)
TTL toDateTime(received) + toIntervalDay(400)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
