-- Every change of state, valid or not, with what the first event of a segment adds.
-- What holds for all tables that are fed from `events` (0012 to 0035, 0045):
--
-- * Identity is (execution_id, sequence), and nothing else: batches come twice, in other cuts and in any order. The
--   engine keeps one row per identity when it merges; whoever reads says FINAL.
-- * Partition: the month of `created`, on a wheel of eight years. `created` comes out of the id, so an event that is
--   sent again lands where it landed before, and 8 x 12 stays below the 100 partitions that one INSERT may touch,
--   whatever times and ids a batch makes up.
-- * TTL: by `received`, the store's clock. By the sender's, a row dated 1970 would go at once and one dated 2200 never.
-- * Compression: ZSTD(1) wherever a column says nothing else, of all our tables. With the engine's own default, LZ4, which most columns
--   had, executions_state takes a quarter more and spans 7 % more, and an INSERT no less time.
CREATE TABLE IF NOT EXISTS transitions {on_cluster} (
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
    state LowCardinality(String),
    previous_state LowCardinality(String),
    reason LowCardinality(String),
    valid UInt8,
    attempt UInt32,
    iteration UInt32,
    max_iterations UInt32,
    parent_id String,
    external_id String,
    resume_key String,
    checkpoint_id String,
    forked_from String,
    mode LowCardinality(String),
    deadline Nullable(DateTime64(6, 'UTC')),
    target_type LowCardinality(String),
    target_id String,
    trigger_source LowCardinality(String),
    trigger_key String,
    trigger_status LowCardinality(String),
    trigger_intent LowCardinality(String),
    tags Map(String, String),
    conversation_id String,
    agent_version LowCardinality(String),
    tool LowCardinality(String),
    tool_call_id String,
    error_type LowCardinality(String),
    error_message String,
    service LowCardinality(String),
    service_version LowCardinality(String),
    environment LowCardinality(String),
    worker_id String,
    host LowCardinality(String),
    pid UInt32,
    trace_id String,
    span_id String,
    INDEX ix_execution execution_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_root root_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ReplacingMergeTree
PARTITION BY (toYear(created) % 8, toMonth(created))
ORDER BY (created, execution_id, sequence)
TTL toDateTime(received) + toIntervalDay(400)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
