-- Spans with typed columns: executions (one per segment) and model calls (operation 'chat' and the like, owned by the
-- execution in execution_id). For durations, errors and the waterfall's detail; they may be sampled, so neither states nor
-- money are counted here. Identity is (trace_id, span_id); the other key columns never change for a span, so the
-- engine keeps one row of a span that comes twice. By hour and trace, so that a run's spans lie together and their ids with them; who asks by
-- agent or model over weeks asks the roll-ups (0090 to 0097). What other tables tell of the same execution or call is not told here
-- again: its parent and its process stand in executions_state, its money in usage.
-- Durations are kept in whole microseconds, like times, and said in milliseconds: they take less than a fraction does.
-- Partition: the month of its start on the wheel of 0012; TTL by `received`.
CREATE TABLE IF NOT EXISTS spans {on_cluster} (
    ts DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    duration_us UInt64 CODEC(T64, ZSTD(1)),
    duration_ms Float64 ALIAS duration_us / 1000,
    received DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    trace_id String,
    span_id String CODEC(ZSTD(3)),
    span_name LowCardinality(String),
    span_kind LowCardinality(String),
    status LowCardinality(String),
    status_message String,
    scope LowCardinality(String),
    service LowCardinality(String),
    service_version LowCardinality(String),
    project LowCardinality(String),
    environment LowCardinality(String),
    host LowCardinality(String),
    execution_id String,
    root_id String,
    kind LowCardinality(String),
    name LowCardinality(String),
    state LowCardinality(String),
    reason LowCardinality(String),
    attempt UInt32,
    iteration UInt32,
    iterations UInt32,
    operation LowCardinality(String),
    workflow LowCardinality(String),
    agent LowCardinality(String),
    agent_version LowCardinality(String),
    tool LowCardinality(String),
    tool_call_id String,
    conversation_id String,
    provider LowCardinality(String),
    request_model LowCardinality(String),
    response_model LowCardinality(String),
    usage_role LowCardinality(String),
    input_tokens UInt64 CODEC(T64, ZSTD(1)),
    cache_read_tokens UInt64 CODEC(T64, ZSTD(1)),
    cache_write_tokens UInt64 CODEC(T64, ZSTD(1)),
    output_tokens UInt64 CODEC(T64, ZSTD(1)),
    reasoning_tokens UInt64 CODEC(T64, ZSTD(1)),
    error_type LowCardinality(String),
    error_message String,
    INDEX ix_execution execution_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_root root_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ReplacingMergeTree
PARTITION BY (toYear(ts) % 8, toMonth(ts))
ORDER BY (toStartOfHour(ts), trace_id, ts, span_id)
TTL received + toIntervalDay(90)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
