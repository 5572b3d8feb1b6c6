-- Verdicts that are due, with their evidence: what is to be said of a segment now and was not said last, and segments of which
-- something was said that holds no more: they told their end after all, wait durably, beat again, or were heard.
-- What cannot be told, because the pipeline is silent, is not among them.
SELECT
    s.node_id AS execution_id, s.execution_id AS segment_id, if(s.verdict = '', 'alive', s.verdict) AS verdict,
    multiIf(s.dead, s.reason, s.verdict = 'stuck', if(s.by_baseline, 'baseline', 'ceiling'), s.verdict = 'orphaned', s.lost,
        s.verdict = 'overdue', 'deadline', s.verdict = 'slow', 'baseline', s.bound, 'heartbeat', s.state) AS reason,
    s.state AS state, s.worker_id AS worker_id, ifNull(s.last_heartbeat, s.last_event) AS last_heartbeat,
    s.host AS host, s.pid AS pid, s.exit_code AS exit_code, s.signal AS signal, s.oom AS oom, s.seconds AS seconds,
    s.allowed_s AS allowed_s, if(s.verdict = 'orphaned', s.parent_id, '') AS parent_id
FROM segments_of(since = '1970-01-01 00:00:00', root = '', due = 1) AS s
LEFT JOIN (SELECT segment_id, argMax(verdict, time) AS verdict FROM verdicts FINAL GROUP BY segment_id) AS v
    ON v.segment_id = s.execution_id
WHERE (s.verdict != '' AND v.verdict != s.verdict)
   OR (s.verdict = '' AND v.verdict NOT IN ('', 'alive') AND s.told_apart)
ORDER BY s.started_at, s.execution_id
