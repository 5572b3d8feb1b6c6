-- Traces in which nothing happened but in the segments of a table of ids: what stands in them belongs to those.
SELECT trace_id
FROM (
    SELECT trace_id, execution_id FROM executions_state
    UNION ALL SELECT trace_id, execution_id FROM transitions
    UNION ALL SELECT trace_id, execution_id FROM usage
    UNION ALL SELECT trace_id, execution_id FROM spans WHERE execution_id != ''
)
WHERE trace_id != ''
GROUP BY trace_id
HAVING countIf(execution_id NOT IN (SELECT id FROM {ids:Identifier})) = 0
