-- What the judge said of a segment, and on what evidence. Appended, never changed; the views below do not read it,
-- they judge anew each time. The same verdict on the same evidence is one row, if two judges run.
CREATE TABLE IF NOT EXISTS verdicts {on_cluster} (
    execution_id String,
    segment_id String,
    verdict LowCardinality(String),
    reason LowCardinality(String),
    time DateTime64(6, 'UTC'),
    state LowCardinality(String),
    worker_id String,
    last_heartbeat DateTime64(6, 'UTC'),
    host LowCardinality(String),
    pid UInt32,
    exit_code Nullable(Int32),
    signal LowCardinality(String),
    oom UInt8,
    last_step String,
    rule_version LowCardinality(String)
) ENGINE = ReplacingMergeTree
PARTITION BY (toYear(time) % 8, toMonth(time))
ORDER BY (segment_id, last_heartbeat, verdict)
TTL toDateTime(time) + toIntervalDay(400)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
