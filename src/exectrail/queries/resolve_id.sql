-- Executions by the beginning of an id, of a segment too, or by the whole id that their framework uses; runs first,
-- because what is beneath a run often begins with the same millisecond.
SELECT
    node_id AS execution_id, any(root_node) AS root_id, node_id = root_id AS is_root, max(kind) AS kind,
    max(name) AS name, argMax(effective_state, position) AS effective_state, min(started_at) AS started_at
FROM segments AS s
GROUP BY node_id
HAVING countIf(startsWith(s.execution_id, {prefix:String}) OR s.external_id = {external_id:String}) > 0
ORDER BY is_root DESC, started_at DESC, execution_id
LIMIT {limit:UInt32}
