-- events -> rejects
CREATE MATERIALIZED VIEW IF NOT EXISTS rejects_from_events {on_cluster} TO rejects DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    sipHash64(event, reject, ts, trace_id, span_id, service, project, host, pid, worker_id,
        arraySort(CAST(attributes, 'Array(Tuple(String, String))'))) AS fingerprint,
    event, reject, ts, received, service, project, host, pid, worker_id, attributes
FROM events
WHERE reject != ''
