-- The latest plan of each execution of a run: of its latest segment that told one.
SELECT
    p.ts AS ts, s.node_id AS execution_id, p.kind AS kind, p.name AS name, plan_revision, plan_steps
FROM (SELECT * FROM plans FINAL) AS p
INNER JOIN (SELECT execution_id, node_id FROM segments_of(since = '1970-01-01 00:00:00', root = {root_id:String})) AS s ON s.execution_id = p.execution_id
ORDER BY ts DESC, p.execution_id DESC, p.sequence DESC
LIMIT 1 BY s.node_id
