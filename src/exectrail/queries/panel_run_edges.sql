-- Who started whom in a run.
SELECT
    concat(parent_id, ':', execution_id) AS id, parent_id AS source, execution_id AS target,
    if(attempt > 1, concat('attempt ', toString(attempt)), '') AS mainstat
FROM (
    SELECT *, has(groupArray(execution_id) OVER (), parent_id) AS parent_shown
    FROM (
        SELECT parent_id, execution_id, started_at, attempt FROM execution_tree_of(since = least(UUIDv7ToDateTime(toUUIDOrZero({root_id:String}), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')) - toIntervalDay(1), root = {root_id:String})
        ORDER BY started_at, execution_id
        LIMIT 1000
    )
)
WHERE parent_shown
ORDER BY started_at, execution_id
