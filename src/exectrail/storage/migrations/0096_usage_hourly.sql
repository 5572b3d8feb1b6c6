-- `model_calls` (0039) by the hour and the day (UTC) of the call: see 0092. cost is NULL where no call had a price; calls without a
-- price have no currency and stand under USD.
CREATE TABLE IF NOT EXISTS usage_hourly {on_cluster} (
    hour DateTime('UTC'),
    project LowCardinality(String),
    environment LowCardinality(String),
    workflow LowCardinality(String),
    agent LowCardinality(String),
    provider LowCardinality(String),
    model LowCardinality(String),
    currency LowCardinality(String),
    folded DateTime64(6, 'UTC'),
    gone UInt8 DEFAULT 0,
    calls UInt64 CODEC(T64, ZSTD(1)),
    priced_calls UInt64 CODEC(T64, ZSTD(1)),
    input_tokens UInt64 CODEC(T64, ZSTD(1)),
    uncached_tokens UInt64 CODEC(T64, ZSTD(1)),
    cache_read_tokens UInt64 CODEC(T64, ZSTD(1)),
    cache_write_tokens UInt64 CODEC(T64, ZSTD(1)),
    output_tokens UInt64 CODEC(T64, ZSTD(1)),
    reasoning_tokens UInt64 CODEC(T64, ZSTD(1)),
    cost Nullable(Decimal(38, 12))
) ENGINE = ReplacingMergeTree(folded, gone)
PARTITION BY toYear(hour) % 64
ORDER BY (hour, project, environment, workflow, agent, provider, model, currency)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 1000
