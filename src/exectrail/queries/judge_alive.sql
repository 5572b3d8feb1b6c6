-- Segments that were said to be abandoned and are not: they told their end after all, wait durably, or beat again.
-- What cannot be told, because the pipeline is silent, is not among them.
SELECT
    s.node_id AS execution_id, s.execution_id AS segment_id, 'alive' AS verdict, if(s.bound = 1, 'heartbeat', s.state) AS reason, s.state AS state,
    s.worker_id AS worker_id, ifNull(s.last_heartbeat, s.last_event) AS last_heartbeat, s.host AS host,
    s.pid AS pid, s.exit_code AS exit_code, s.signal AS signal, s.oom AS oom,
    if(s.node_id = s.root_node, t.last_step, c.last_step) AS last_step
FROM segments AS s
LEFT JOIN (SELECT segment_id, argMax(verdict, time) AS verdict FROM verdicts FINAL GROUP BY segment_id) AS v
    ON v.segment_id = s.execution_id
-- the latest started step that is open, or else the latest started one: in the whole run for its root, else among children
LEFT JOIN (
    SELECT root_node, argMaxIf(name, (NOT final, kind = 'step', started_at, execution_id),
        node_id != root_node AND kind IN ('step', 'task', 'agent', 'tool')) AS last_step
    FROM segments GROUP BY root_node
) AS t ON t.root_node = s.node_id
LEFT JOIN (
    SELECT parent_node, argMax(name, (NOT final, kind = 'step', started_at, execution_id)) AS last_step
    FROM segments WHERE parent_node != '' GROUP BY parent_node
) AS c ON c.parent_node = s.node_id
WHERE v.verdict = 'abandoned' AND s.abandoned = 0 AND (s.bound = 0 OR s.health IN ('alive', 'stuck'))
ORDER BY s.started_at, s.execution_id
