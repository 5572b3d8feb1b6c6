-- The latest plan of each execution of a run: of its latest segment that told one.
SELECT
    x.ts AS ts, if(n.first_id = '', x.execution_id, n.first_id) AS execution_id, x.kind AS kind, x.name AS name,
    plan_revision, plan_steps
FROM (
    SELECT * FROM plans FINAL
    WHERE (root_id = {root_id:String}
        OR root_id IN (SELECT execution_id FROM resumes_of(since = '1970-01-01 00:00:00', runs = (SELECT runs FROM asked_runs_of(root = {root_id:String}))) WHERE first_id = {root_id:String}))
) AS x
LEFT JOIN resumes_of(since = '1970-01-01 00:00:00', runs = (SELECT runs FROM asked_runs_of(root = {root_id:String}))) AS n ON n.execution_id = x.execution_id
ORDER BY ts DESC, x.execution_id DESC, x.sequence DESC
LIMIT 1 BY execution_id
