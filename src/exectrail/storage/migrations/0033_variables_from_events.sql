-- events -> variables
CREATE MATERIALIZED VIEW IF NOT EXISTS variables_from_events {on_cluster} TO variables DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    created, execution_id, sequence, ts, received, root_id, project, workflow, agent, kind, name,
    variable_name, variable_type, variable_hash, variable_value
FROM events
WHERE reject = '' AND event = 'exectrail.execution.variable_set'
