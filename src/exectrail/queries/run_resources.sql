-- The latest report of what each execution of a run used, of its latest segment that told any.
SELECT
    u.ts AS ts, s.node_id AS execution_id, u.kind AS kind, u.name AS name, cpu_seconds, memory_peak_bytes,
    disk_read_bytes, disk_write_bytes, resource_scope
FROM (SELECT * FROM resources FINAL) AS u
INNER JOIN (SELECT execution_id, node_id FROM segments_of(since = '1970-01-01 00:00:00', root = {root_id:String})) AS s ON s.execution_id = u.execution_id
ORDER BY ts DESC, u.execution_id DESC, u.sequence DESC
LIMIT 1 BY s.node_id
