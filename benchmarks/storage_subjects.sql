-- Some finished runs, spread over all: their ids, the latest execution beneath each, and the id of its framework.
SELECT root_id, max(e.execution_id) AS node, max(e.external_id) AS external
FROM executions_state AS e
WHERE root_id IN (
    SELECT execution_id
    FROM executions_state
    WHERE external_id != '' AND execution_id = root_id
        AND cityHash64(execution_id) % greatest(1, (SELECT intDiv(count(), 600) FROM executions_state)) = 0)
GROUP BY root_id
HAVING argMax(st, root_id = execution_id).terminal = 1
ORDER BY cityHash64(root_id)
LIMIT 40
