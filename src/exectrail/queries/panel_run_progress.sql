-- How far a run's agents and steps are: how many there are, and how many of them have ended, in one row.
SELECT
    countIf(kind = 'agent') AS agents_all, countIf(kind = 'agent' AND ended_at IS NOT NULL) AS agents_ended,
    countIf(kind IN ('step', 'task')) AS steps_all, countIf(kind IN ('step', 'task') AND ended_at IS NOT NULL) AS steps_ended,
    countIf(effective_state = 'running' AND NOT is_root) AS running_now
FROM execution_tree_of(since = least(UUIDv7ToDateTime(toUUIDOrZero({root_id:String}), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')) - toIntervalDay(1), root = {root_id:String})
HAVING count() > 0
