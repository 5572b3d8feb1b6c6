-- Segments that have told no end. Without FINAL, which reads whole rows: the greatest of all rows of a segment is the same.
CREATE OR REPLACE VIEW open_segments {on_cluster} AS
SELECT execution_id, max(s.parent_id) AS parent_id, max(s.writer).worker_id AS worker_id
FROM executions_state AS s
GROUP BY execution_id
HAVING max(st.terminal) = 0
