-- The latest report of what each execution of a run used, of its latest segment that told any.
SELECT
    x.ts AS ts, if(n.first_id = '', x.execution_id, n.first_id) AS execution_id, x.kind AS kind, x.name AS name,
    cpu_seconds, memory_peak_bytes, disk_read_bytes, disk_write_bytes, resource_scope
FROM (
    SELECT * FROM resources FINAL
    WHERE (root_id = {root_id:String}
        OR root_id IN (SELECT execution_id FROM resumes WHERE first_id = {root_id:String}))
) AS x
LEFT JOIN resumes AS n ON n.execution_id = x.execution_id
ORDER BY ts DESC, x.execution_id DESC, x.sequence DESC
LIMIT 1 BY execution_id
