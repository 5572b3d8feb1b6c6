-- Results of a run, of its resumed segments too, in order of time.
SELECT
    r.ts AS ts, s.node_id AS execution_id, r.kind AS kind, r.name AS name, result_name, result_category,
    result_valid, result_problem
FROM (SELECT * FROM results FINAL) AS r
INNER JOIN (SELECT execution_id, node_id FROM segments_of(since = '1970-01-01 00:00:00', root = {root_id:String})) AS s ON s.execution_id = r.execution_id
ORDER BY ts, r.execution_id, r.sequence
