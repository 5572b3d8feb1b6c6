-- When the pipeline's own sign of life reached the store. While these are late, silence proves nothing about workers.
-- starts: the first one since the pipeline was started. What was sent before it may still be on its way.
CREATE TABLE IF NOT EXISTS canary {on_cluster} (
    received DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    starts UInt8 DEFAULT 0
) ENGINE = MergeTree
PARTITION BY (toYear(received) % 8, toMonth(received))
ORDER BY received
TTL toDateTime(received) + toIntervalDay(7)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 1000
