-- events -> artifacts
CREATE MATERIALIZED VIEW IF NOT EXISTS artifacts_from_events {on_cluster} TO artifacts DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    created, execution_id, sequence, ts, received, root_id, project, workflow, agent, kind, name,
    artifact_name, artifact_url, artifact_action, artifact_media_type, artifact_size
FROM events
WHERE reject = '' AND event = 'exectrail.execution.artifact'
