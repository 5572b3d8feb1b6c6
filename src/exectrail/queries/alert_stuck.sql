-- Executions that live and of which nothing is heard for longer than is usual for them, longer than the threshold besides. value: seconds.
SELECT s.project AS project, s.environment AS environment, if(s.workflow != '', s.workflow, s.name) AS subject, j.execution_id AS detail,
    j.quiet_s AS value
FROM (SELECT execution_id, quiet_s FROM judged WHERE stuck) AS j
INNER JOIN (SELECT execution_id, project, environment, workflow, name FROM executions_state FINAL
    WHERE (created, execution_id) IN (SELECT created, execution_id FROM open_segments)) AS s ON s.execution_id = j.execution_id
WHERE value > if(has({own_names:Array(String)}, subject), {own_values:Array(Float64)}[indexOf({own_names:Array(String)}, subject)], {threshold:Float64})
ORDER BY value DESC
