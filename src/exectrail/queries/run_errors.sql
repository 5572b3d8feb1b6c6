-- Failed executions of a run, in order of time; origin where no child of it failed.
SELECT
    execution_id, parent_id, kind, name, agent, tool, attempt, iteration, reason, error_type, error_message,
    state_since AS failed_at, NOT failed_child AS origin
FROM execution_tree_of(since = least(UUIDv7ToDateTime(toUUIDOrZero({root_id:String}), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')) - toIntervalDay(1), root = {root_id:String})
WHERE state = 'failed'
ORDER BY failed_at, execution_id
