-- Verdicts that are due, with their evidence: segments that are abandoned and were not yet said to be, or were said to
-- be back since; and segments that were said to be abandoned and are not: they told their end after all, wait
-- durably, or beat again. What cannot be told, because the pipeline is silent, is not among them.
SELECT
    s.node_id AS execution_id, s.execution_id AS segment_id, if(s.abandoned, 'abandoned', 'alive') AS verdict,
    multiIf(s.abandoned, s.reason, s.bound, 'heartbeat', s.state) AS reason, s.state AS state,
    s.worker_id AS worker_id, ifNull(s.last_heartbeat, s.last_event) AS last_heartbeat, s.host AS host,
    s.pid AS pid, s.exit_code AS exit_code, s.signal AS signal, s.oom AS oom,
    if(s.execution_id = s.root_id, r.last_step, c.last_step) AS last_step
FROM segments AS s
LEFT JOIN (SELECT segment_id, argMax(verdict, time) AS verdict FROM verdicts FINAL GROUP BY segment_id) AS v
    ON v.segment_id = s.execution_id
-- the latest started step that is open, or else the latest started one: of the whole run for its root, else of children
LEFT JOIN (
    SELECT root_id, argMax(name, (st.terminal = 0, kind = 'step', first.ts, execution_id)) AS last_step
    FROM (SELECT root_id, execution_id, name, kind, st, first FROM executions_state FINAL)
    WHERE execution_id != root_id AND kind IN ('step', 'task', 'agent', 'tool')
    GROUP BY root_id
) AS r ON r.root_id = s.execution_id
LEFT JOIN (
    SELECT parent_id, argMax(name, (st.terminal = 0, kind = 'step', first.ts, execution_id)) AS last_step
    FROM (SELECT parent_id, execution_id, name, kind, st, first FROM executions_state FINAL)
    WHERE parent_id != ''
    GROUP BY parent_id
) AS c ON c.parent_id = s.execution_id
WHERE (s.abandoned AND v.verdict != 'abandoned')
   OR (v.verdict = 'abandoned' AND NOT s.abandoned AND (NOT s.bound OR s.health IN ('alive', 'stuck')))
ORDER BY s.started_at, s.execution_id
