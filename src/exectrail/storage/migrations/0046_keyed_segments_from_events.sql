-- events -> keyed_segments
CREATE MATERIALIZED VIEW IF NOT EXISTS keyed_segments_from_events {on_cluster} TO keyed_segments DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    created, execution_id, resume_key,
    max(e.root_id) AS root_id,
    max(toUInt8(valid = 1 AND sequence = 1 AND previous_state = 'paused')) AS resumes,
    max(e.received) AS received
FROM events AS e
WHERE reject = '' AND event = 'exectrail.execution.state_changed' AND resume_key != ''
GROUP BY created, execution_id, resume_key
