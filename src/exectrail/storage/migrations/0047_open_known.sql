-- Segments that a fold (queries/fold_open.sql) found open, and what came of them. With `folds` it says where open_segments (0054) has
-- to look. ended:
--
-- * 0: open. 1: a later fold found it open no more. Such rows go after a week; where that leaves an older row behind, it costs a
--   look, and the next fold says so again.
-- * 2: settled (queries/fold_settled.sql). It told no end, and there is nothing more to be said of it unless it or its process is
--   heard again: it has been dead for so long that this was said, or it was resumed elsewhere. The other columns are what `judged_of`
--   (0056) said of it then; nobody judges it anew.
CREATE TABLE IF NOT EXISTS open_known {on_cluster} (
    created DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    execution_id String,
    ended UInt8,
    found DateTime64(6, 'UTC'),
    root_id String,
    worker_id String,
    bound UInt8,
    dead UInt8,
    cancelled UInt8,
    reason LowCardinality(String),
    health LowCardinality(String),
    clock_offset_us Int64,
    last_heartbeat Nullable(DateTime64(6, 'UTC')),
    worker_status LowCardinality(String),
    exit_code Nullable(Int32),
    signal LowCardinality(String),
    oom UInt8
) ENGINE = ReplacingMergeTree(found)
ORDER BY (created, execution_id)
TTL toDateTime(found) + toIntervalDay(7) DELETE WHERE ended = 1
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 1000
