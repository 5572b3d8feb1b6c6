-- The states of a run and of its agents and steps over time: each row one change.
SELECT t.ts AS time, concat(t.kind, ' ', t.name, ' ', right(t.execution_id, 4)) AS execution, toString(t.state) AS state
FROM (SELECT ts, execution_id, kind, name, state, valid FROM transitions FINAL
    WHERE root_id = {root_id:String} OR execution_id = {root_id:String}
        OR root_id IN (SELECT execution_id FROM resumes_of(since = '1970-01-01 00:00:00', runs = (SELECT runs FROM asked_runs_of(root = {root_id:String}))) WHERE first_id = {root_id:String})) AS t
WHERE t.valid = 1 AND t.kind IN ('workflow', 'agent', 'step', 'task')
ORDER BY time, execution
LIMIT 2000
