-- What each execution of a run used, by the latest report of each of its segments: CPU and disk of all segments
-- together, the highest of their peaks. It is exclusive where every segment was ('shared' is the greater word); the
-- share is that of the latest.
SELECT
    max(s.ts) AS ts, s.id AS execution_id, argMax(s.kind, s.latest) AS kind, argMax(s.name, s.latest) AS name,
    sum(s.cpu_seconds) AS cpu_seconds, max(s.memory_peak_bytes) AS memory_peak_bytes,
    sum(s.disk_read_bytes) AS disk_read_bytes, sum(s.disk_write_bytes) AS disk_write_bytes,
    max(s.resource_scope) AS resource_scope, argMax(s.resource_share, s.latest) AS resource_share
FROM (
    SELECT
        x.ts AS ts, if(n.first_id = '', x.execution_id, n.first_id) AS id, x.kind AS kind, x.name AS name,
        (x.ts, x.execution_id) AS latest, cpu_seconds, memory_peak_bytes, disk_read_bytes, disk_write_bytes,
        resource_scope, resource_share
    FROM (
        SELECT * FROM resources FINAL
        WHERE (root_id = {root_id:String}
            OR root_id IN (SELECT execution_id FROM resumes WHERE first_id = {root_id:String}))
        ORDER BY sequence DESC
        LIMIT 1 BY execution_id
    ) AS x
    LEFT JOIN resumes AS n ON n.execution_id = x.execution_id
) AS s
GROUP BY s.id
ORDER BY ts DESC, execution_id DESC
