-- events -> progress
CREATE MATERIALIZED VIEW IF NOT EXISTS progress_from_events {on_cluster} TO progress DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    created, execution_id, sequence, ts, received, root_id, project, workflow, agent, kind, name, progress,
    message, steps_planned, steps_completed
FROM events
WHERE reject = '' AND event = 'exectrail.execution.progress'
