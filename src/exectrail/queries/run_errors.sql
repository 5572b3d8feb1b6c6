-- Failed executions of a run, in order of time; origin where no child of it failed.
SELECT
    execution_id, parent_id, kind, name, agent, tool, attempt, iteration, reason, error_type, error_message,
    state_since AS failed_at, NOT failed_child AS origin
FROM execution_tree_of(since = '1970-01-01 00:00:00', root = {root_id:String})
WHERE state = 'failed'
ORDER BY failed_at, execution_id
