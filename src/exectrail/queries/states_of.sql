-- In which state some executions of some runs are.
SELECT node_id AS execution_id, argMax(effective_state, position) AS effective_state
FROM segments_of(since = '1970-01-01 00:00:00', root = arrayStringConcat({root_ids:Array(String)}, ','), due = 0)
WHERE node_id IN {execution_ids:Array(String)}
GROUP BY node_id
