-- The states of a run and of its agents and steps over time: each row one change.
WITH
    -- who resumed what, and under which id it is shown; roots: the run and its resumed parts
    (SELECT groupArray((execution_id, first_id))
        FROM resumes_of(since = '1970-01-01 00:00:00', runs = (SELECT runs FROM asked_runs_of(root = {root_id:String})))) AS links,
    arrayPushBack(arrayFilter(l -> l.2 = {root_id:String}, links).1, {root_id:String}) AS roots
SELECT t.ts AS time, concat(t.kind, ' ', t.name, ' ', right(t.execution_id, 4)) AS execution, toString(t.state) AS state
FROM (SELECT ts, execution_id, kind, name, state, valid FROM transitions FINAL
    WHERE (created, execution_id) IN (
        SELECT created, execution_id FROM executions_state
        WHERE if(empty(root_id), execution_id, root_id) IN (SELECT arrayJoin(roots)))) AS t
WHERE t.valid = 1 AND t.kind IN ('workflow', 'agent', 'step', 'task')
ORDER BY time, execution
LIMIT 2000
