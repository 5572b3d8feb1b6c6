-- Results of a run, of its resumed segments too, in order of time.
WITH
    -- who resumed what, and under which id it is shown; roots: the run and its resumed parts
    (SELECT groupArray((execution_id, first_id))
        FROM resumes_of(since = '1970-01-01 00:00:00', runs = (SELECT runs FROM asked_runs_of(root = {root_id:String})))) AS links,
    arrayPushBack(arrayFilter(l -> l.2 = {root_id:String}, links).1, {root_id:String}) AS roots
SELECT
    x.ts AS ts, transform(x.execution_id, links.1, links.2, x.execution_id) AS execution_id, x.kind AS kind, x.name AS name,
    result_name, result_category, result_valid, result_problem
FROM (
    SELECT * FROM results FINAL
    WHERE root_id IN (SELECT arrayJoin(roots))
) AS x
ORDER BY ts, x.execution_id, x.sequence
