-- What a fold (queries/fold_keyed.sql) found of segments that have to do with durable keys of which something was resumed: as keyed_live
-- (0057) shows them. It stands for them until something is heard of them again.
CREATE TABLE IF NOT EXISTS keyed_known {on_cluster} (
    created DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    execution_id String,
    root_id String,
    opened_key String,
    resumes UInt8,
    opened_at DateTime64(6, 'UTC'),
    paused_key String,
    paused_at DateTime64(6, 'UTC'),
    deadline DateTime64(6, 'UTC'),
    found DateTime64(6, 'UTC')
) ENGINE = ReplacingMergeTree(found)
ORDER BY (created, execution_id)
TTL toDateTime(found) + toIntervalDay(400)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 1000
