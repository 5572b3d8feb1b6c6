-- Every segment of a run, of its resumed parts and of all that is beneath it; beneath a root that told nothing itself too.
WITH
    -- who resumed what, and under which id it is shown; roots: the run and its resumed parts
    (SELECT groupArray((execution_id, first_id))
        FROM resumes_of(since = '1970-01-01 00:00:00', runs = (SELECT runs FROM asked_runs_of(root = {root_id:String})))) AS links,
    arrayPushBack(arrayFilter(l -> l.2 = {root_id:String}, links).1, {root_id:String}) AS roots
SELECT DISTINCT execution_id FROM executions_state WHERE if(empty(root_id), execution_id, root_id) IN (SELECT arrayJoin(roots))
UNION DISTINCT
SELECT DISTINCT execution_id FROM executions_state WHERE execution_id = {root_id:String}
