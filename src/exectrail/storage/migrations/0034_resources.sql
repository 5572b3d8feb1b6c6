-- CPU, memory and disk of an execution. Identity, partition and TTL: see 0012.
CREATE TABLE IF NOT EXISTS resources {on_cluster} (
    created DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    execution_id String,
    sequence UInt32 CODEC(T64, ZSTD(1)),
    ts DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    received DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    root_id String,
    project LowCardinality(String),
    workflow LowCardinality(String),
    agent LowCardinality(String),
    kind LowCardinality(String),
    name LowCardinality(String),
    cpu_seconds Nullable(Float64),
    memory_peak_bytes Nullable(UInt64),
    disk_read_bytes Nullable(UInt64),
    disk_write_bytes Nullable(UInt64),
    resource_scope LowCardinality(String),
    resource_share Nullable(Float64),
    INDEX ix_execution execution_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_root root_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ReplacingMergeTree
PARTITION BY (toYear(created) % 8, toMonth(created))
ORDER BY (created, execution_id, sequence)
TTL toDateTime(received) + toIntervalDay(400)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
