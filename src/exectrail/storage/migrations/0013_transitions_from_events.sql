-- events -> transitions
CREATE MATERIALIZED VIEW IF NOT EXISTS transitions_from_events {on_cluster} TO transitions DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    created, execution_id, sequence, ts, received, root_id, project, workflow, agent, kind, name, state,
    previous_state, reason, valid, attempt, iteration, max_iterations, parent_id, external_id, resume_key,
    checkpoint_id, forked_from, mode, deadline, target_type, target_id, trigger_source, trigger_key,
    trigger_status, trigger_intent, tags, conversation_id, agent_version, tool, tool_call_id, error_type,
    error_message, service, service_version, environment, worker_id, host, pid, trace_id, span_id
FROM events
WHERE reject = '' AND event = 'exectrail.execution.state_changed'
