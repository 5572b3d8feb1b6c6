-- One row per run: the root of a tree, under the first segment's id, with the sums over its whole tree.
-- Parameters: see 0061. States, times, outcome and cost as in execution_tree, and besides:
--
-- * outcome 'partial': the run failed after at least one step, task or agent beneath it had completed.
-- * error_type and error_message: of the run itself, or else of the latest error beneath it. errors counts the
--   places where an error began: failed executions without a failed child.
-- * last_step: the latest started step that is still open, or else the latest started one; where a run has no
--   steps, the same of tasks, agents and tool calls.
-- * flags: those of all its parts; health, flag_s and flag_allowed_s are of the run itself.
-- * iterations: the highest turn that a part of the run was in, as it said itself or as its parts did.
CREATE OR REPLACE VIEW executions_of {on_cluster} AS
SELECT
    t.* EXCEPT (completed_steps, root_error_type, root_error_message, latest_error),
    multiIf(
        t.effective_state = 'completed', 'success',
        t.effective_state = 'failed' AND t.completed_steps > 0, 'partial',
        t.effective_state IN ('failed', 'cancelled', 'abandoned'), t.effective_state,
        '') AS outcome,
    if(t.root_error_type = '' AND t.root_error_message = '' AND t.state = 'failed', t.latest_error.1,
        t.root_error_type) AS error_type,
    if(t.root_error_type = '' AND t.root_error_message = '' AND t.state = 'failed', t.latest_error.2,
        t.root_error_message) AS error_message
FROM (
    SELECT
        n.root_id AS execution_id,
        anyIf(n.external_id, n.is_root) AS external_id,
        anyIf(n.kind, n.is_root) AS kind,
        anyIf(n.name, n.is_root) AS name,
        anyIf(n.project, n.is_root) AS project,
        anyIf(n.environment, n.is_root) AS environment,
        anyIf(n.service, n.is_root) AS service,
        anyIf(n.service_version, n.is_root) AS service_version,
        anyIf(n.workflow, n.is_root) AS workflow,
        anyIf(n.agent, n.is_root) AS agent,
        anyIf(n.agent_version, n.is_root) AS agent_version,
        anyIf(n.mode, n.is_root) AS mode,
        anyIf(n.conversation_id, n.is_root) AS conversation_id,
        anyIf(n.target_type, n.is_root) AS target_type,
        anyIf(n.target_id, n.is_root) AS target_id,
        anyIf(n.trigger_source, n.is_root) AS trigger_source,
        anyIf(n.trigger_key, n.is_root) AS trigger_key,
        anyIf(n.trigger_status, n.is_root) AS trigger_status,
        anyIf(n.trigger_intent, n.is_root) AS trigger_intent,
        anyIf(n.tags, n.is_root) AS tags,
        anyIf(n.attempt, n.is_root) AS attempt,
        anyIf(n.max_iterations, n.is_root) AS max_iterations,
        anyIf(n.deadline, n.is_root) AS deadline,
        anyIf(n.progress, n.is_root) AS progress,
        anyIf(n.message, n.is_root) AS message,
        anyIf(n.steps_planned, n.is_root) AS steps_planned,
        anyIf(n.steps_completed, n.is_root) AS steps_completed,
        anyIf(n.forked_from, n.is_root) AS forked_from,
        anyIf(n.resumes, n.is_root) AS resumes,
        anyIf(n.segments, n.is_root) AS segments,
        anyIf(n.trace_id, n.is_root) AS trace_id,
        anyIf(n.state, n.is_root) AS state,
        anyIf(n.effective_state, n.is_root) AS effective_state,
        anyIf(n.reason, n.is_root) AS reason,
        anyIf(n.health, n.is_root) AS health,
        arrayFilter(f -> has(groupUniqArrayArray(n.flags), f), ['stuck', 'orphaned', 'overdue', 'slow']) AS flags,
        anyIf(n.flag_s, n.is_root) AS flag_s,
        anyIf(n.flag_allowed_s, n.is_root) AS flag_allowed_s,
        anyIf(n.state_ms, n.is_root) AS state_ms,
        anyIf(n.durable, n.is_root) AS durable,
        anyIf(n.resume_key, n.is_root) AS resume_key,
        anyIf(n.checkpoint_id, n.is_root) AS checkpoint_id,
        anyIf(n.started_at, n.is_root) AS started_at,
        anyIf(n.state_since, n.is_root) AS state_since,
        anyIf(n.ended_at, n.is_root) AS ended_at,
        anyIf(n.duration_ms, n.is_root) AS duration_ms,
        anyIf(n.work_ms, n.is_root) AS work_ms,
        anyIf(n.wait_ms, n.is_root) AS wait_ms,
        anyIf(n.queued_ms, n.is_root) AS queued_ms,
        anyIf(n.blocked_ms, n.is_root) AS blocked_ms,
        anyIf(n.worker_id, n.is_root) AS worker_id,
        anyIf(n.host, n.is_root) AS host,
        anyIf(n.pid, n.is_root) AS pid,
        anyIf(n.clock_offset_us, n.is_root) AS clock_offset_us,
        anyIf(n.last_heartbeat, n.is_root) AS last_heartbeat,
        anyIf(n.exit_code, n.is_root) AS exit_code,
        anyIf(n.signal, n.is_root) AS signal,
        anyIf(n.oom, n.is_root) AS oom,
        anyIf(n.error_type, n.is_root) AS root_error_type,
        anyIf(n.error_message, n.is_root) AS root_error_message,
        argMaxIf((toString(n.error_type), n.error_message), n.state_since, n.state = 'failed' AND n.error_type != '')
            AS latest_error,
        countIf(NOT n.is_root AND n.state = 'completed' AND n.kind IN ('step', 'task', 'agent')) AS completed_steps,
        max(n.last_event) AS last_event,
        argMaxIf(n.name, (n.state NOT IN ('completed', 'failed', 'cancelled'), n.kind = 'step', n.started_at,
            n.execution_id), NOT n.is_root AND n.kind IN ('step', 'task', 'agent', 'tool')) AS last_step,
        greatest(maxIf(n.iterations, n.is_root), maxIf(n.iteration, n.parent_id = n.root_id)) AS iterations,
        count() AS nodes,
        arraySort(groupUniqArrayIf(toString(n.agent), n.agent != '')) AS agents,
        countIf(NOT n.is_root AND n.kind = 'agent') AS agent_executions,
        countIf(n.kind = 'tool') AS tool_calls,
        countIf(n.attempt > 1) AS retries,
        countIf(n.state = 'failed' AND NOT n.failed_child) AS errors,
        sum(n.calls) AS calls,
        sum(n.priced_calls) AS priced_calls,
        sum(n.input_tokens) AS input_tokens,
        sum(n.uncached_tokens) AS uncached_tokens,
        sum(n.cache_read_tokens) AS cache_read_tokens,
        sum(n.cache_write_tokens) AS cache_write_tokens,
        sum(n.output_tokens) AS output_tokens,
        sum(n.reasoning_tokens) AS reasoning_tokens,
        sum(n.cost) AS cost
    FROM execution_tree_of(since = {since:DateTime64(3, 'UTC')}, root = {root:String}) AS n
    GROUP BY n.root_id
    HAVING countIf(n.is_root) > 0
) AS t
