-- What the judge said of a segment, and on what evidence. Appended, never changed; the views below do not read it,
-- they judge anew each time. The same verdict on the same evidence is one row, if two judges run.
--
-- * verdict: abandoned, cancelled, stuck, orphaned, overdue, slow, as `judged_of` (0056) and `segments` define them; alive: none of
--   them holds any more. reason: why; for alive heartbeat, or the state that it told after all.
-- * seconds and allowed_s: what was measured and what is allowed: quiet (stuck), at work (slow), past the deadline (overdue).
-- * parent_id: who does not wait any more (orphaned).
CREATE TABLE IF NOT EXISTS verdicts {on_cluster} (
    execution_id String,
    segment_id String,
    verdict LowCardinality(String),
    reason LowCardinality(String),
    time DateTime64(6, 'UTC'),
    state LowCardinality(String),
    worker_id String,
    last_heartbeat DateTime64(6, 'UTC'),
    host LowCardinality(String),
    pid UInt32,
    exit_code Nullable(Int32),
    signal LowCardinality(String),
    oom UInt8,
    last_step String,
    seconds Float64,
    allowed_s Float64,
    parent_id String,
    rule_version LowCardinality(String)
) ENGINE = ReplacingMergeTree
PARTITION BY (toYear(time) % 8, toMonth(time))
ORDER BY (segment_id, last_heartbeat, verdict)
TTL toDateTime(time) + toIntervalDay(400)
SETTINGS default_compression_codec = 'ZSTD(1)', non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
