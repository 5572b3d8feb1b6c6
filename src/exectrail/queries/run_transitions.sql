-- All changes of state in a run, of its resumed segments too, in order of time.
WITH
    -- who resumed what, and under which id it is shown; roots: the run and its resumed parts
    (SELECT groupArray((execution_id, first_id))
        FROM resumes_of(since = '1970-01-01 00:00:00', runs = (SELECT runs FROM asked_runs_of(root = {root_id:String})))) AS links,
    arrayPushBack(arrayFilter(l -> l.2 = {root_id:String}, links).1, {root_id:String}) AS roots
SELECT
    t.ts AS ts, transform(t.execution_id, links.1, links.2, t.execution_id) AS execution_id, t.execution_id AS segment_id, t.sequence AS sequence, t.kind AS kind,
    t.name AS name, t.agent AS agent, t.previous_state AS previous_state, t.state AS state, t.reason AS reason,
    t.valid AS valid, t.attempt AS attempt, t.iteration AS iteration, t.error_type AS error_type,
    t.error_message AS error_message, t.host AS host, t.pid AS pid
FROM (
    SELECT * FROM transitions FINAL
    WHERE (created, execution_id) IN (
        SELECT created, execution_id FROM executions_state
        WHERE if(empty(root_id), execution_id, root_id) IN (SELECT arrayJoin(roots)))
) AS t
ORDER BY ts, segment_id, sequence
