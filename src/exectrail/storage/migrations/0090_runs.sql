-- One row per run, as `executions` (0066) shows it, kept: for what is asked over weeks and months. Written again whenever there is
-- news of a run (queries/fold_*.sql, `exectrail rollup`), so it is a few seconds behind; of a row that was written again the
-- latest stands. What is right at this moment, and what is judged of what is open, the views say.
--
-- * made: when the run was made, by the time in its id; where that has none, when it started. It never changes, and hours and days
--   are told by it.
-- * folded: when the row was written. gone: under this id there is no run any more: it was a part of another one after all.
-- * ended_at NULL: it had not ended when the row was written; duration_ms and the like are of that moment then.
-- * cpu_seconds, memory_peak_bytes: what it took of the machine, by the latest word of its own execution, over all its segments; the highest of
--   their peaks. NULL: not told. resource_scope: exclusive; shared, where any segment shared its process: then CPU is its share, memory that
--   of the process.
CREATE TABLE IF NOT EXISTS runs {on_cluster} (
    created DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    execution_id String,
    folded DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    gone UInt8 DEFAULT 0,
    made DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    name LowCardinality(String),
    kind LowCardinality(String),
    workflow LowCardinality(String),
    agent LowCardinality(String),
    agents Array(LowCardinality(String)),
    project LowCardinality(String),
    environment LowCardinality(String),
    service LowCardinality(String),
    service_version LowCardinality(String),
    mode LowCardinality(String),
    target_type LowCardinality(String),
    target_id String,
    trigger_source LowCardinality(String),
    trigger_key String,
    trigger_status LowCardinality(String),
    trigger_intent LowCardinality(String),
    tags Map(String, String),
    conversation_id String,
    external_id String,
    trace_id String,
    forked_from String,
    resumes UInt32,
    state LowCardinality(String),
    effective_state LowCardinality(String),
    outcome LowCardinality(String),
    reason LowCardinality(String),
    flags Array(LowCardinality(String)),
    started_at DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    state_since DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    ended_at Nullable(DateTime64(6, 'UTC')),
    last_event DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    deadline Nullable(DateTime64(6, 'UTC')),
    duration_ms Float64,
    work_ms Float64,
    wait_ms Float64,
    queued_ms Float64,
    blocked_ms Float64,
    attempt UInt32,
    iterations UInt32,
    max_iterations UInt32,
    nodes UInt64,
    agent_executions UInt64,
    tool_calls UInt64,
    retries UInt64,
    errors UInt64,
    error_type LowCardinality(String),
    error_message String,
    last_step String,
    worker_id String,
    host LowCardinality(String),
    pid UInt32,
    exit_code Nullable(Int32),
    signal LowCardinality(String),
    oom UInt8,
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
    INDEX ix_execution execution_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ReplacingMergeTree(folded, gone)
PARTITION BY (toYear(created) % 8, toMonth(created))
ORDER BY (created, execution_id)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 1000
