-- Which segments state a durable key, and whether one resumes a pause of it. By key, so that only those are read of which
-- something was resumed: where a program has a key for each run, most never are. Partition and TTL: see 0012.
CREATE TABLE IF NOT EXISTS keyed_segments {on_cluster} (
    created DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    execution_id String CODEC(ZSTD(1)),
    resume_key String CODEC(ZSTD(1)),
    resumes SimpleAggregateFunction(max, UInt8),
    received SimpleAggregateFunction(max, DateTime64(6, 'UTC'))
) ENGINE = AggregatingMergeTree
PARTITION BY (toYear(created) % 8, toMonth(created))
ORDER BY (resume_key, created, execution_id)
TTL toDateTime(received) + toIntervalDay(400)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS keyed_segments_from_events {on_cluster} TO keyed_segments AS
SELECT
    created, execution_id, resume_key,
    max(toUInt8(valid = 1 AND sequence = 1 AND previous_state = 'paused')) AS resumes,
    max(e.received) AS received
FROM events AS e
WHERE reject = '' AND event = 'exectrail.execution.state_changed' AND resume_key != ''
GROUP BY created, execution_id, resume_key;

-- What happened on durable keys of which something was resumed: what = 0 a segment resumes a pause, 1 a segment starts afresh,
-- 2 a segment pauses and stays so. run is the root of a part of a run, and '' for a run itself.
CREATE OR REPLACE VIEW keyed_events {on_cluster} AS
SELECT
    arrayJoin(arrayFilter(e -> e.1 != '', [
        (opened_key.resume_key, first.ts, if(opened_key.resumes = 1, 0, 1)),
        (if(st.state = 'paused', st.resume_key, ''), st.ts, 2)
    ])) AS found,
    found.1 AS key,
    found.2 AS ts,
    found.3 AS what,
    execution_id AS segment,
    deadline,
    if(root_id IN ('', execution_id), '', root_id) AS run
FROM (
    SELECT execution_id, root_id, st, opened_key, first, deadline
    FROM executions_state FINAL
    WHERE (created, execution_id) IN (
        SELECT created, execution_id FROM keyed_segments
        WHERE resume_key IN (SELECT resume_key FROM keyed_segments WHERE resumes = 1))
)
WHERE opened_key.resume_key != '' OR st.resume_key != ''
