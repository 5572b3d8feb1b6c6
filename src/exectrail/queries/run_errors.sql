-- Failed executions of a run, in order of time; origin where no child of it failed.
SELECT
    execution_id, parent_id, kind, name, agent, tool, attempt, iteration, reason, error_type, error_message,
    state_since AS failed_at,
    execution_id NOT IN (SELECT parent_id FROM execution_tree WHERE root_id = {root_id:String} AND state = 'failed') AS origin
FROM execution_tree
WHERE root_id = {root_id:String} AND state = 'failed'
ORDER BY failed_at, execution_id
