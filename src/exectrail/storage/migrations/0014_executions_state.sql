-- What is known of each segment (what one process did of an execution), folded from all its events. Every column
-- is a max, a min or a set: in any order, any number of times and in any batches the same events give the same row.
-- Read it through the view `segments`. Partition and TTL: see 0012.
-- Beware of `SELECT st.state FROM executions_state FINAL`: it reads the one element without its tuple, and FINAL then merges
-- that as if it were a plain column (ClickHouse 26.9). Take whole columns in a subquery first, and elements of those.
--
-- * st: the greatest of (terminal, sequence) among valid changes of state. A final state is not undone by what
--   comes late; among others the sequence decides, never a clock.
-- * moves: every valid change of state, from which work and wait are told apart.
-- * opened_key: the key that a first event stated, with whether it resumes (previous state paused) or starts afresh.
-- * writer: who wrote the latest event; one process writes a segment.
-- * delay_us: the least difference between the store's clock and the writer's; see `workers_alive`.
-- * A text that one event tells and others leave out is a max, because '' is less than any text.
CREATE TABLE IF NOT EXISTS executions_state {on_cluster} (
    created DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    execution_id String,
    st SimpleAggregateFunction(max, Tuple(terminal UInt8, sequence UInt32, ts DateTime64(6, 'UTC'), state String,
        reason String, resume_key String, checkpoint_id String, error_type String, error_message String)),
    first SimpleAggregateFunction(min, Tuple(sequence UInt32, ts DateTime64(6, 'UTC'))),
    moves SimpleAggregateFunction(groupUniqArrayArray,
        Array(Tuple(sequence UInt32, ts DateTime64(6, 'UTC'), state String))),
    opened_key SimpleAggregateFunction(max, Tuple(resume_key String, resumes UInt8, checkpoint_id String)),
    writer SimpleAggregateFunction(max, Tuple(sequence UInt32, worker_id String, host String, pid UInt32)),
    progress SimpleAggregateFunction(max, Tuple(sequence UInt32, progress Float64, steps_planned UInt32,
        steps_completed UInt32, message String)),
    last_event SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    delay_us SimpleAggregateFunction(min, Int64),
    received SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    root_id SimpleAggregateFunction(max, String),
    parent_id SimpleAggregateFunction(max, String),
    external_id SimpleAggregateFunction(max, String),
    forked_from SimpleAggregateFunction(max, String),
    kind SimpleAggregateFunction(max, LowCardinality(String)),
    name SimpleAggregateFunction(max, LowCardinality(String)),
    project SimpleAggregateFunction(max, LowCardinality(String)),
    workflow SimpleAggregateFunction(max, LowCardinality(String)),
    agent SimpleAggregateFunction(max, LowCardinality(String)),
    agent_version SimpleAggregateFunction(max, LowCardinality(String)),
    tool SimpleAggregateFunction(max, LowCardinality(String)),
    service SimpleAggregateFunction(max, LowCardinality(String)),
    service_version SimpleAggregateFunction(max, LowCardinality(String)),
    environment SimpleAggregateFunction(max, LowCardinality(String)),
    mode SimpleAggregateFunction(max, LowCardinality(String)),
    attempt SimpleAggregateFunction(max, UInt32),
    iteration SimpleAggregateFunction(max, UInt32),
    iterations SimpleAggregateFunction(max, UInt32),
    max_iterations SimpleAggregateFunction(max, UInt32),
    deadline SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    target_type SimpleAggregateFunction(max, LowCardinality(String)),
    target_id SimpleAggregateFunction(max, String),
    trigger_source SimpleAggregateFunction(max, LowCardinality(String)),
    trigger_key SimpleAggregateFunction(max, String),
    trigger_status SimpleAggregateFunction(max, LowCardinality(String)),
    trigger_intent SimpleAggregateFunction(max, LowCardinality(String)),
    tags SimpleAggregateFunction(groupUniqArrayArray, Array(Tuple(name String, value String))),
    conversation_id SimpleAggregateFunction(max, String),
    trace_id SimpleAggregateFunction(max, String),
    span_id SimpleAggregateFunction(max, String),
    INDEX ix_received received TYPE minmax GRANULARITY 1,
    INDEX ix_execution execution_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_external external_id TYPE bloom_filter(0.01) GRANULARITY 1,
    -- the run that it is part of, written like this wherever it is looked for
    INDEX ix_root if(empty(root_id), execution_id, root_id) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_roots if(empty(root_id), execution_id, root_id) TYPE minmax GRANULARITY 1
) ENGINE = AggregatingMergeTree
PARTITION BY (toYear(created) % 8, toMonth(created))
ORDER BY (created, execution_id)
TTL toDateTime(received) + toIntervalDay(400)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
