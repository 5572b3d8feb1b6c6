-- Failed executions of a run, in order of time; origin where no child of it failed.
SELECT
    f.execution_id AS execution_id, f.parent_id AS parent_id, f.kind AS kind, f.name AS name, f.agent AS agent,
    f.tool AS tool, f.attempt AS attempt, f.iteration AS iteration, f.reason AS reason, f.error_type AS error_type,
    f.error_message AS error_message, f.failed_at AS failed_at, NOT has(parents, f.execution_id) AS origin
FROM (
    SELECT
        groupArray(CAST((execution_id, parent_id, kind, name, agent, tool, attempt, iteration, reason, error_type,
            error_message, state_since),
            'Tuple(execution_id String, parent_id String, kind String, name String, agent String, tool String,
            attempt UInt32, iteration UInt32, reason String, error_type String, error_message String,
            failed_at DateTime64(6, \'UTC\'))')) AS failed,
        groupUniqArray(parent_id) AS parents
    FROM execution_tree_of(since = '1970-01-01 00:00:00', root = {root_id:String})
    WHERE state = 'failed'
)
ARRAY JOIN failed AS f
ORDER BY failed_at, execution_id
