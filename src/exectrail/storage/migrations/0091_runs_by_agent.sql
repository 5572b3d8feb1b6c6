-- One row per run and agent, as `run_agents` (0068) shows it, kept: see 0090. created and made are the run's; cost is of all calls
-- that were made as part of the agent.
-- cpu_seconds, memory_peak_bytes: the sum over its executions of kind agent, the highest of their peaks; as in 0090.
CREATE TABLE IF NOT EXISTS runs_by_agent {on_cluster} (
    created DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    root_id String,
    agent LowCardinality(String),
    folded DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    gone UInt8 DEFAULT 0,
    made DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    project LowCardinality(String),
    environment LowCardinality(String),
    workflow LowCardinality(String),
    agent_version LowCardinality(String),
    executions UInt64,
    effective_state LowCardinality(String),
    reason LowCardinality(String),
    error_type LowCardinality(String),
    started_at DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    ended_at Nullable(DateTime64(6, 'UTC')),
    duration_ms Float64,
    tool_calls UInt64,
    errors UInt64,
    attempt UInt32,
    calls UInt64 CODEC(T64, ZSTD(1)),
    priced_calls UInt64 CODEC(T64, ZSTD(1)),
    input_tokens UInt64 CODEC(T64, ZSTD(1)),
    uncached_tokens UInt64 CODEC(T64, ZSTD(1)),
    cache_read_tokens UInt64 CODEC(T64, ZSTD(1)),
    cache_write_tokens UInt64 CODEC(T64, ZSTD(1)),
    output_tokens UInt64 CODEC(T64, ZSTD(1)),
    reasoning_tokens UInt64 CODEC(T64, ZSTD(1)),
    cost Nullable(Decimal(38, 12)),
    cpu_seconds Nullable(Float64),
    memory_peak_bytes Nullable(UInt64) CODEC(T64, ZSTD(1)),
    resource_scope LowCardinality(String),
    INDEX ix_root root_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ReplacingMergeTree(folded, gone)
PARTITION BY (toYear(created) % 8, toMonth(created))
ORDER BY (created, root_id, agent)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 1000
