-- What carries a name of ours and cannot be used, with the reason. Such events have no identity, so the whole event
-- is hashed: the same one twice is one row. `attributes` holds names, ids and numbers only (see 0011).
CREATE TABLE IF NOT EXISTS rejects {on_cluster} (
    fingerprint UInt64,
    event LowCardinality(String),
    reject LowCardinality(String),
    ts DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    received DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    service LowCardinality(String),
    project LowCardinality(String),
    host LowCardinality(String),
    pid UInt32,
    worker_id String,
    attributes Map(String, String)
) ENGINE = ReplacingMergeTree
ORDER BY fingerprint
TTL toDateTime(received) + toIntervalDay(30)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 1000
