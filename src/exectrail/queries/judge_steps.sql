-- The last step of some segments: the latest started one beneath that is open, or else the latest started one; of the
-- whole run for its root, of its children for any other.
SELECT above AS segment_id, argMax(name, (st.terminal = 0, kind = 'step', first.ts, execution_id)) AS last_step
FROM (
    SELECT
        execution_id, name, kind, st, first,
        arrayJoin(if(root_id IN {segments:Array(String)} AND kind IN ('step', 'task', 'agent', 'tool'), arrayDistinct([root_id, parent_id]),
            [parent_id])) AS above
    FROM executions_state FINAL
    WHERE execution_id IN (
        SELECT execution_id FROM executions_state
        WHERE parent_id IN {segments:Array(String)} OR root_id IN {segments:Array(String)})
)
WHERE above IN {segments:Array(String)} AND above != execution_id
  AND (kind IN ('step', 'task', 'agent', 'tool') OR above NOT IN (
      SELECT execution_id FROM executions_state WHERE execution_id = root_id OR root_id = ''))
GROUP BY above
