-- Segments that a fold (queries/fold_open.sql) found open, and which of them a later one found open no more. With `folds` it says where
-- open_segments (0049) has to look. `ended` rows go after a week; where that leaves an older row behind, it costs a look,
-- and the next fold says so again.
CREATE TABLE IF NOT EXISTS open_known {on_cluster} (
    created DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    execution_id String CODEC(ZSTD(1)),
    ended UInt8,
    found DateTime64(6, 'UTC')
) ENGINE = ReplacingMergeTree(found)
ORDER BY (created, execution_id)
TTL toDateTime(found) + toIntervalDay(7) DELETE WHERE ended = 1
SETTINGS non_replicated_deduplication_window = 1000
