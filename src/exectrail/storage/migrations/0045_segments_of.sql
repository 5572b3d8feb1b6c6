-- One row per segment, with its place in a chain of pauses and resumes and what is to be thought of its state now.
-- A view with parameters, so that a question about one run, or about recent ones, reads only their rows; `segments`
-- (0046) is all of them. The views that stand on it take the same two and hand them down:
--
-- * since: only runs whose root was made after it, by the time in its id (an hour earlier to be sure: clocks differ; ids
--   without a time are always in). '1970-01-01' is all.
-- * root: only the run that is shown under this id. '' is all.
--
-- * node_id, parent_node, root_node: the execution, its parent and its root as they are shown, that is under the first
--   segments of their chains: what was done beneath a resumed run belongs to the run that was resumed.
-- * effective_state: 'abandoned' where the state needs a living process (running, blocked, paused without a durable
--   key), that process exited or let its lease run out, and the pipeline can tell. Final states, durable pauses, and what is
--   created or queued are never abandoned by a lease.
-- * health, of what needs a process: alive; dead; stuck (alive, but nothing heard of it nor of an open child of it for
--   an hour); or unknown, and why.
-- * Times are the sender's; clock_offset_us turns them into the store's.
CREATE OR REPLACE VIEW segments_of {on_cluster} AS
WITH (
    -- a scalar is computed once for all that ask for it
    SELECT groupArray((execution_id, first_id, position, resumed_id, forked_from)) FROM resumes
) AS chains
SELECT
    s.execution_id AS execution_id,
    if(r.first_id = '', s.execution_id, r.first_id) AS node_id,
    greatest(1, r.position) AS position,
    r.resumed_id AS resumed_id,
    if(r.forked_from = '', s.forked_from, r.forked_from) AS forked_from,
    if(rp.first_id = '', s.parent_id, rp.first_id) AS parent_node,
    if(rr.first_id = '', s.own_root, rr.first_id) AS root_node,
    s.parent_id AS parent_id,
    s.own_root AS root_id,
    s.external_id AS external_id,
    s.kind AS kind,
    s.name AS name,
    s.project AS project,
    s.environment AS environment,
    s.service AS service,
    s.service_version AS service_version,
    s.workflow AS workflow,
    s.agent AS agent,
    s.agent_version AS agent_version,
    s.tool AS tool,
    s.mode AS mode,
    s.conversation_id AS conversation_id,
    s.target_type AS target_type,
    s.target_id AS target_id,
    s.trigger_source AS trigger_source,
    s.trigger_key AS trigger_key,
    s.trigger_status AS trigger_status,
    s.trigger_intent AS trigger_intent,
    CAST(s.tags, 'Map(String, String)') AS tags,
    s.attempt AS attempt,
    s.iteration AS iteration,
    s.iterations AS iterations,
    s.max_iterations AS max_iterations,
    if(toUnixTimestamp64Micro(s.deadline) = 0, NULL, s.deadline) AS deadline,
    s.progress.progress AS progress,
    s.progress.message AS message,
    s.progress.steps_planned AS steps_planned,
    s.progress.steps_completed AS steps_completed,
    s.trace_id AS trace_id,
    s.span_id AS span_id,
    s.st.state AS state,
    s.st.terminal = 1 AS final,
    s.st.state = 'paused' AND s.st.resume_key != '' AS durable,
    s.st.state IN ('running', 'blocked') OR (s.st.state = 'paused' AND s.st.resume_key = '') AS bound,
    bound AND w.judgeable = 1 AND (w.exited = 1 OR w.expired = 1) AS abandoned,
    if(abandoned, 'abandoned', s.st.state) AS effective_state,
    multiIf(NOT abandoned, s.st.reason, w.exited = 1, 'process_exited', 'lease_expired') AS reason,
    s.st.error_type AS error_type,
    s.st.error_message AS error_message,
    s.st.resume_key AS resume_key,
    s.st.checkpoint_id AS checkpoint_id,
    s.first.ts AS started_at,
    s.st.ts AS state_since,
    s.last_event AS last_event,
    s.moves AS moves,
    s.writer.worker_id AS worker_id,
    s.writer.host AS host,
    s.writer.pid AS pid,
    w.clock_offset_us AS clock_offset_us,
    if(w.worker_id = '', NULL, w.last_heartbeat) AS last_heartbeat,
    w.status AS worker_status,
    w.exit_code AS exit_code,
    w.signal AS signal,
    w.oom AS oom,
    bound AND NOT abandoned AND w.status = 'alive'
        AND s.last_event + toIntervalMicrosecond(w.clock_offset_us) < now64(6, 'UTC') - toIntervalHour(1)
        AND s.execution_id NOT IN (
            SELECT parent_id FROM (SELECT parent_id, st FROM executions_state FINAL)
            WHERE st.terminal = 0 AND parent_id != '') AS stuck,
    s.execution_id IN (
        SELECT parent_id FROM (SELECT parent_id, st FROM executions_state FINAL)
        WHERE st.state = 'failed' AND parent_id != '') AS failed_child,
    multiIf(NOT bound, '', abandoned, 'dead', w.worker_id = '', 'unknown: no worker', p.silent = 1, p.health,
        w.status != 'alive', 'unknown: pipeline was silent', stuck, 'stuck', 'alive') AS health,
    s.received AS received
FROM (
    SELECT *, if(root_id = '', execution_id, root_id) AS own_root
    FROM executions_state FINAL
    WHERE (created >= {since:DateTime64(3, 'UTC')} - toIntervalHour(2) OR created = toDateTime64(0, 3, 'UTC'))
      AND ({root:String} = '' OR own_root IN (
          SELECT {root:String} UNION ALL SELECT c.1 FROM (SELECT arrayJoin(chains) AS c) WHERE c.2 = {root:String}))
) AS s
LEFT JOIN workers_alive AS w ON w.worker_id = s.writer.worker_id
LEFT JOIN (
    SELECT c.1 AS execution_id, c.2 AS first_id, c.3 AS position, c.4 AS resumed_id, c.5 AS forked_from
    FROM (SELECT arrayJoin(chains) AS c)
) AS r ON r.execution_id = s.execution_id
LEFT JOIN (SELECT c.1 AS execution_id, c.2 AS first_id FROM (SELECT arrayJoin(chains) AS c)) AS rp ON rp.execution_id = s.parent_id
LEFT JOIN (SELECT c.1 AS execution_id, c.2 AS first_id FROM (SELECT arrayJoin(chains) AS c)) AS rr ON rr.execution_id = s.own_root
CROSS JOIN pipeline AS p
WHERE UUIDv7ToDateTime(toUUIDOrZero(root_node), 'UTC') >= {since:DateTime64(3, 'UTC')} - toIntervalHour(1)
   OR UUIDv7ToDateTime(toUUIDOrZero(root_node), 'UTC') = toDateTime64(0, 3, 'UTC')
