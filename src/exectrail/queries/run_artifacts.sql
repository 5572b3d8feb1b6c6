-- Files and links of a run, of its resumed segments too, in order of time.
SELECT
    a.ts AS ts, s.node_id AS execution_id, a.kind AS kind, a.name AS name, artifact_name, artifact_url,
    artifact_action, artifact_media_type, artifact_size
FROM (SELECT * FROM artifacts FINAL) AS a
INNER JOIN (SELECT execution_id, node_id FROM segments_of(since = '1970-01-01 00:00:00', root = {root_id:String})) AS s ON s.execution_id = a.execution_id
ORDER BY ts, a.execution_id, a.sequence
