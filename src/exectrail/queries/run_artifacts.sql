-- Files and links of a run, of its resumed segments too, in order of time.
SELECT
    x.ts AS ts, if(n.first_id = '', x.execution_id, n.first_id) AS execution_id, x.kind AS kind, x.name AS name,
    artifact_name, artifact_url, artifact_action, artifact_media_type, artifact_size
FROM (
    SELECT * FROM artifacts FINAL
    WHERE (root_id = {root_id:String}
        OR root_id IN (SELECT execution_id FROM resumes_of(since = '1970-01-01 00:00:00', runs = (SELECT runs FROM asked_runs_of(root = {root_id:String}))) WHERE first_id = {root_id:String}))
) AS x
LEFT JOIN resumes_of(since = '1970-01-01 00:00:00', runs = (SELECT runs FROM asked_runs_of(root = {root_id:String}))) AS n ON n.execution_id = x.execution_id
ORDER BY ts, x.execution_id, x.sequence
