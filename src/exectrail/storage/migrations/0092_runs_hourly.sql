-- `runs` (0090) by the hour and the day (UTC) in which they were made. Each bucket is written anew from the rows themselves whenever one
-- of them changed, and never added to: what comes twice or late counts once. gone: there is nothing in the bucket any more.
--
-- * success to open: by outcome; open: had not ended. runs is all of them.
-- * durations: of those that ended; read with quantilesTDigestMerge(0.5, 0.9, 0.95, 0.99)(durations). duration_ms and the other
--   times are sums over those that ended.
-- * wasted: cost of those that failed (partly too) or were abandoned. cost and wasted are NULL where nothing had a price.
-- * cpu_seconds, memory_peak_bytes: of those that ended and told them, cpu_runs and memory_runs of them; the latter is the sum of their peaks,
--   which for many runs may exceed whole numbers of 64 bits.
CREATE TABLE IF NOT EXISTS runs_hourly {on_cluster} (
    hour DateTime('UTC'),
    project LowCardinality(String),
    environment LowCardinality(String),
    workflow LowCardinality(String),
    name LowCardinality(String),
    folded DateTime64(6, 'UTC'),
    gone UInt8 DEFAULT 0,
    runs UInt64 CODEC(T64, ZSTD(1)),
    success UInt64 CODEC(T64, ZSTD(1)),
    partial UInt64 CODEC(T64, ZSTD(1)),
    failed UInt64 CODEC(T64, ZSTD(1)),
    cancelled UInt64 CODEC(T64, ZSTD(1)),
    abandoned UInt64 CODEC(T64, ZSTD(1)),
    open UInt64 CODEC(T64, ZSTD(1)),
    retries UInt64 CODEC(T64, ZSTD(1)),
    errors UInt64 CODEC(T64, ZSTD(1)),
    resumes UInt64 CODEC(T64, ZSTD(1)),
    agent_executions UInt64 CODEC(T64, ZSTD(1)),
    tool_calls UInt64 CODEC(T64, ZSTD(1)),
    duration_ms Float64,
    work_ms Float64,
    wait_ms Float64,
    queued_ms Float64,
    blocked_ms Float64,
    durations AggregateFunction(quantilesTDigest(0.5, 0.9, 0.95, 0.99), Float64),
    calls UInt64 CODEC(T64, ZSTD(1)),
    priced_calls UInt64 CODEC(T64, ZSTD(1)),
    input_tokens UInt64 CODEC(T64, ZSTD(1)),
    uncached_tokens UInt64 CODEC(T64, ZSTD(1)),
    cache_read_tokens UInt64 CODEC(T64, ZSTD(1)),
    cache_write_tokens UInt64 CODEC(T64, ZSTD(1)),
    output_tokens UInt64 CODEC(T64, ZSTD(1)),
    reasoning_tokens UInt64 CODEC(T64, ZSTD(1)),
    cost Nullable(Decimal(38, 12)),
    wasted Nullable(Decimal(38, 12)),
    cpu_runs UInt64 CODEC(T64, ZSTD(1)),
    cpu_seconds Float64,
    memory_runs UInt64 CODEC(T64, ZSTD(1)),
    memory_peak_bytes Float64
) ENGINE = ReplacingMergeTree(folded, gone)
PARTITION BY toYear(hour) % 64
ORDER BY (hour, project, environment, workflow, name)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 1000
