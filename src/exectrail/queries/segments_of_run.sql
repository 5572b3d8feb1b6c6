-- Every segment of a run, of its resumed parts and of all that is beneath it.
SELECT execution_id FROM segments_of(since = '1970-01-01 00:00:00', root = {root_id:String}, due = 0)
-- of a root that told nothing itself, what is beneath it
UNION DISTINCT
SELECT DISTINCT execution_id FROM executions_state WHERE if(empty(root_id), execution_id, root_id) = {root_id:String}
UNION DISTINCT
SELECT DISTINCT execution_id FROM executions_state WHERE execution_id = {root_id:String}
