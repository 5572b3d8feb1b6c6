-- What exectrail shows of every execution at every level, now.
SELECT
    execution_id, parent_id, name, attempt, iteration, external_id, conversation_id, effective_state, reason,
    exit_code, signal, oom, calls, segments
FROM execution_tree
