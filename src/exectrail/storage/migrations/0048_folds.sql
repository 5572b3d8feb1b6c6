-- How far folds (`exectrail rollup`) have come, by the store's clock. done = 0: what was open at that time is in open_known, and who
-- pauses and resumes by durable keys in keyed_known; 1: all that had come by then is in `runs` and in the roll-ups too (0090 to 0097).
CREATE TABLE IF NOT EXISTS folds {on_cluster} (
    began DateTime64(6, 'UTC'),
    done UInt8
) ENGINE = ReplacingMergeTree
ORDER BY (began, done)
TTL toDateTime(began) + toIntervalDay(30)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 1000
