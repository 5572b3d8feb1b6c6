-- events -> plans
CREATE MATERIALIZED VIEW IF NOT EXISTS plans_from_events {on_cluster} TO plans DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    created, execution_id, sequence, ts, received, root_id, project, workflow, agent, kind, name,
    plan_revision, plan_steps
FROM events
WHERE reject = '' AND event = 'exectrail.execution.plan_changed'
