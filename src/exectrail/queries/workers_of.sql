-- Processes that wrote the segments of a table of ids.
SELECT DISTINCT s.writer.worker_id AS worker_id
FROM (SELECT execution_id, writer FROM executions_state FINAL) AS s
WHERE s.execution_id IN (SELECT id FROM {ids:Identifier}) AND worker_id != ''
