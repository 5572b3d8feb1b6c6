-- events -> resources
CREATE MATERIALIZED VIEW IF NOT EXISTS resources_from_events {on_cluster} TO resources DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    created, execution_id, sequence, ts, received, root_id, project, workflow, agent, kind, name, cpu_seconds,
    memory_peak_bytes, disk_read_bytes, disk_write_bytes, resource_scope, resource_share
FROM events
WHERE reject = '' AND event = 'exectrail.execution.resource_usage'
