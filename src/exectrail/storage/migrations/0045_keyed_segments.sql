-- Which segments state a durable key, and whether one resumes a pause of it. By key, so that only those are read of which
-- something was resumed: where a program has a key for each run, most never are. Partition and TTL: see 0012.
CREATE TABLE IF NOT EXISTS keyed_segments {on_cluster} (
    created DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    execution_id String,
    resume_key String,
    root_id SimpleAggregateFunction(max, String),
    resumes SimpleAggregateFunction(max, UInt8),
    received SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    INDEX ix_root if(empty(root_id), execution_id, root_id) TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = AggregatingMergeTree
PARTITION BY (toYear(created) % 8, toMonth(created))
ORDER BY (resume_key, created, execution_id)
TTL toDateTime(received) + toIntervalDay(400)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
