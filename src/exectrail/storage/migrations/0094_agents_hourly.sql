-- `runs_by_agent` (0091) by the hour and the day (UTC) in which the run was made: see 0092. runs: runs in which the agent took
-- part; completed to open: by the agent's own latest state in the run; retried: attempts after the first. cost_of_completed: of the runs in
-- which the agent completed, for the cost of a success.
CREATE TABLE IF NOT EXISTS agents_hourly {on_cluster} (
    hour DateTime('UTC'),
    project LowCardinality(String),
    environment LowCardinality(String),
    workflow LowCardinality(String),
    agent LowCardinality(String),
    agent_version LowCardinality(String),
    folded DateTime64(6, 'UTC'),
    gone UInt8 DEFAULT 0,
    runs UInt64 CODEC(T64, ZSTD(1)),
    executions UInt64 CODEC(T64, ZSTD(1)),
    completed UInt64 CODEC(T64, ZSTD(1)),
    failed UInt64 CODEC(T64, ZSTD(1)),
    cancelled UInt64 CODEC(T64, ZSTD(1)),
    abandoned UInt64 CODEC(T64, ZSTD(1)),
    open UInt64 CODEC(T64, ZSTD(1)),
    retried UInt64 CODEC(T64, ZSTD(1)),
    errors UInt64 CODEC(T64, ZSTD(1)),
    tool_calls UInt64 CODEC(T64, ZSTD(1)),
    duration_ms Float64,
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
    cost_of_completed Nullable(Decimal(38, 12)),
    cpu_runs UInt64 CODEC(T64, ZSTD(1)),
    cpu_seconds Float64,
    memory_runs UInt64 CODEC(T64, ZSTD(1)),
    memory_peak_bytes Float64
) ENGINE = ReplacingMergeTree(folded, gone)
PARTITION BY toYear(hour) % 64
ORDER BY (hour, project, environment, workflow, agent, agent_version)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 1000
