-- events -> results
CREATE MATERIALIZED VIEW IF NOT EXISTS results_from_events {on_cluster} TO results DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    created, execution_id, sequence, ts, received, root_id, project, workflow, agent, kind, name, result_name,
    result_category, result_valid, result_problem
FROM events
WHERE reject = '' AND event = 'exectrail.execution.result'
