-- The last step of some segments: the latest started one beneath that is open, or else the latest started one; of the
-- whole run for its root, of its children for any other. What is beneath a segment names the same root as it does.
WITH own AS (
    SELECT execution_id, if(empty(root_id), execution_id, root_id) AS run_id
    FROM executions_state
    WHERE (created, execution_id) IN (
        SELECT least(UUIDv7ToDateTime(toUUIDOrZero(id), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')), id
        FROM (SELECT arrayJoin({segments:Array(String)}) AS id))
)
SELECT above AS segment_id, argMax(name, (st.terminal = 0, kind = 'step', first.ts, execution_id)) AS last_step
FROM (
    SELECT
        execution_id, name, kind, st, first,
        arrayJoin(if(root_id IN {segments:Array(String)} AND kind IN ('step', 'task', 'agent', 'tool'), arrayDistinct([root_id, parent_id]),
            [parent_id])) AS above
    FROM executions_state FINAL
    WHERE (created, execution_id) IN (
        SELECT created, execution_id FROM executions_state
        WHERE if(empty(root_id), execution_id, root_id) IN (SELECT run_id FROM own)
            AND (parent_id IN {segments:Array(String)} OR root_id IN {segments:Array(String)}))
)
WHERE above IN {segments:Array(String)} AND above != execution_id
  AND (kind IN ('step', 'task', 'agent', 'tool') OR above NOT IN (SELECT execution_id FROM own WHERE execution_id = run_id))
GROUP BY above
