-- Reports of progress. Identity, partition and TTL: see 0012.
CREATE TABLE IF NOT EXISTS progress {on_cluster} (
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
    progress Float64,
    message String,
    steps_planned UInt32,
    steps_completed UInt32,
    INDEX ix_execution execution_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_root root_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ReplacingMergeTree
PARTITION BY (toYear(created) % 8, toMonth(created))
ORDER BY (created, execution_id, sequence)
TTL toDateTime(received) + toIntervalDay(90)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
