-- One row per model call: the only place where money and tokens are counted. Spans repeat them and are never summed.
-- Only role 'billing' counts; aggregates and duplicates tell the same money again, and a fallback stays out too,
-- because whether something beneath it was counted cannot be said of a row by itself.
-- `cost` is NULL where no price is known, never 0. The token columns are what was sent (input includes the cache,
-- output includes reasoning); `uncached_tokens`, `cache_read_tokens`, `cache_write_tokens` and `output_tokens`
-- are the exclusive buckets. input_told and output_told tell a count of 0 from one that was not told, which may have cost.
-- Identity, partition and TTL: see 0012.
-- What was told is never changed. A re-costing (docs/pricing.md) appends the call once more, with the told columns as they were
-- and the recost columns filled; of the rows of a call the engine keeps the one that was re-costed last, and one that
-- is sent again (recosted_at 1970) never stands over it. recosted_by '': as told, also where a re-costing was taken back.
CREATE TABLE IF NOT EXISTS usage {on_cluster} (
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
    iteration UInt32,
    attempt UInt32,
    operation LowCardinality(String),
    provider LowCardinality(String),
    request_model LowCardinality(String),
    response_model LowCardinality(String),
    model LowCardinality(String),
    response_id String,
    usage_role LowCardinality(String),
    input_tokens UInt64 CODEC(T64, ZSTD(1)),
    uncached_tokens UInt64 CODEC(T64, ZSTD(1)),
    cache_read_tokens UInt64 CODEC(T64, ZSTD(1)),
    cache_write_tokens UInt64 CODEC(T64, ZSTD(1)),
    output_tokens UInt64 CODEC(T64, ZSTD(1)),
    reasoning_tokens UInt64 CODEC(T64, ZSTD(1)),
    input_told UInt8,
    output_told UInt8,
    cost Nullable(Decimal(38, 12)),
    currency LowCardinality(String),
    cost_source LowCardinality(String),
    price_version LowCardinality(String),
    error_type LowCardinality(String),
    service LowCardinality(String),
    environment LowCardinality(String),
    worker_id String,
    trace_id String,
    span_id String,
    recosted_at DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    recosted_by LowCardinality(String),
    recost Nullable(Decimal(38, 12)),
    recost_currency LowCardinality(String),
    recost_version LowCardinality(String),
    INDEX ix_ts ts TYPE minmax GRANULARITY 1,
    INDEX ix_received received TYPE minmax GRANULARITY 1,
    INDEX ix_execution execution_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_root root_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ReplacingMergeTree(recosted_at)
PARTITION BY (toYear(created) % 8, toMonth(created))
ORDER BY (created, execution_id, sequence)
TTL toDateTime(received) + toIntervalDay(400)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
