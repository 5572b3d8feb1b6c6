-- Executions by the beginning of an id, of a segment too, or by the whole id that their framework uses.
SELECT
    node_id AS execution_id, any(root_node) AS root_id, node_id = root_id AS is_root, max(kind) AS kind,
    max(name) AS name, argMax(effective_state, position) AS effective_state, min(started_at) AS started_at
FROM segments
WHERE node_id IN (
    SELECT node_id FROM segments
    WHERE startsWith(execution_id, {prefix:String}) OR external_id = {external_id:String})
GROUP BY node_id
ORDER BY started_at DESC, execution_id
LIMIT {limit:UInt32}
