-- Every segment that a project's processes wrote.
SELECT DISTINCT execution_id FROM executions_state WHERE project = {project:String}
