-- One row per execution at every level: the segments of a chain are one row, under the first segment's id. The nodes of a
-- run are those with its root_id. Tokens and cost are those of the model calls that the execution itself owns,
-- not of what is beneath it, so that a sum over any set of nodes counts every call once. Parameters: see 0061.
--
-- * work_ms: running. wait_ms: paused, between a pause and its resume, in one process or across processes.
--   queued_ms: created or queued. blocked_ms: blocked. Together they are duration_ms. An open execution lasts
--   until now, one that was judged dead until the last sign of life of its process.
-- * state_ms: how long an open one has been in its present state, that is for a paused one how long it waits by now.
-- * flags: what is to be looked at (segments_of, 0061); flag_s and flag_allowed_s measure the first of them, in seconds.
-- * outcome, derived here and written nowhere: success, failed, cancelled, abandoned; blocked for a step that a
--   review stopped; '' while open. (A run can also be partial: see `executions`.)
-- * cost is in USD and NULL where no call had a price; priced_calls of calls have one. Calls that were priced in
--   another currency count as not priced here; cost_daily lists them.
CREATE OR REPLACE VIEW execution_tree_of {on_cluster} AS
WITH
    ifNull(n.ended_at, greatest(now64(6, 'UTC') - toIntervalMicrosecond(n.clock_offset_us), n.state_since,
        n.started_at)) AS until,
    arrayMap((move, next) -> (move.state, greatest(0, dateDiff('microsecond', move.ts, next)) / 1000),
        n.moves, arraySlice(arrayPushBack(arrayPopFront(n.moves.ts), until), 1, length(n.moves))) AS spent
SELECT
    n.* EXCEPT (moves, chain_length, dead),
    if(n.ended_at IS NULL, greatest(0, dateDiff('microsecond', n.state_since, until)) / 1000, 0) AS state_ms,
    greatest(0, dateDiff('microsecond', n.started_at, until)) / 1000 AS duration_ms,
    arraySum(arrayMap(x -> if(x.1 = 'running', x.2, 0), spent)) AS work_ms,
    arraySum(arrayMap(x -> if(x.1 = 'paused', x.2, 0), spent)) AS wait_ms,
    arraySum(arrayMap(x -> if(x.1 IN ('created', 'queued'), x.2, 0), spent)) AS queued_ms,
    arraySum(arrayMap(x -> if(x.1 = 'blocked', x.2, 0), spent)) AS blocked_ms,
    multiIf(
        n.effective_state = 'completed', 'success',
        n.effective_state = 'failed' AND n.kind = 'step' AND n.reason = 'review', 'blocked',
        n.effective_state IN ('failed', 'cancelled', 'abandoned'), n.effective_state,
        '') AS outcome,
    has(groupUniqArrayIf(n.parent_id, n.state = 'failed') OVER (PARTITION BY n.root_id), n.execution_id) AS failed_child
FROM (
    SELECT
        s.node_id AS execution_id,
        argMin(s.parent_node, s.position) AS parent_id,
        argMin(s.root_node, s.position) AS root_id,
        execution_id = root_id AS is_root,
        arraySort(groupArray((s.position, s.execution_id))).2 AS segments,
        max(s.position) AS chain_length,
        chain_length - 1 AS resumes,
        argMin(s.forked_from, s.position) AS forked_from,
        max(s.external_id) AS external_id,
        max(s.kind) AS kind,
        max(s.name) AS name,
        max(s.project) AS project,
        max(s.environment) AS environment,
        max(s.service) AS service,
        argMax(s.service_version, s.position) AS service_version,
        max(s.workflow) AS workflow,
        max(s.agent) AS agent,
        max(s.agent_version) AS agent_version,
        max(s.tool) AS tool,
        max(s.mode) AS mode,
        max(s.conversation_id) AS conversation_id,
        max(s.target_type) AS target_type,
        max(s.target_id) AS target_id,
        argMin(s.trigger_source, s.position) AS trigger_source,
        argMin(s.trigger_key, s.position) AS trigger_key,
        argMin(s.trigger_status, s.position) AS trigger_status,
        argMin(s.trigger_intent, s.position) AS trigger_intent,
        argMin(s.tags, s.position) AS tags,
        max(s.attempt) AS attempt,
        max(s.iteration) AS iteration,
        max(s.iterations) AS iterations,
        max(s.max_iterations) AS max_iterations,
        argMax(s.deadline, s.position) AS deadline,
        argMax(s.progress, (s.steps_planned + s.progress > 0, s.position)) AS progress,
        argMax(s.message, (s.message != '', s.position)) AS message,
        argMax(s.steps_planned, (s.steps_planned > 0, s.position)) AS steps_planned,
        argMax(s.steps_completed, (s.steps_planned > 0, s.position)) AS steps_completed,
        argMax(s.trace_id, s.position) AS trace_id,
        argMax(s.span_id, s.position) AS span_id,
        argMax(s.state, s.position) AS state,
        argMax(s.effective_state, s.position) AS effective_state,
        argMax(s.reason, s.position) AS reason,
        argMax(s.health, s.position) AS health,
        argMax(s.flags, s.position) AS flags,
        argMax(s.seconds, s.position) AS flag_s,
        argMax(s.allowed_s, s.position) AS flag_allowed_s,
        argMax(s.dead, s.position) AS dead,
        argMax(s.durable, s.position) AS durable,
        argMax(s.resume_key, s.position) AS resume_key,
        argMax(s.checkpoint_id, s.position) AS checkpoint_id,
        argMax(s.error_type, s.position) AS error_type,
        argMax(s.error_message, s.position) AS error_message,
        argMin(s.started_at, s.position) AS started_at,
        argMax(s.state_since, s.position) AS state_since,
        argMax(s.last_event, s.position) AS last_event,
        argMax(s.worker_id, s.position) AS worker_id,
        argMax(s.host, s.position) AS host,
        argMax(s.pid, s.position) AS pid,
        argMax(s.clock_offset_us, s.position) AS clock_offset_us,
        argMax(tuple(s.last_heartbeat), s.position).1 AS last_heartbeat,
        argMax(tuple(s.exit_code), s.position).1 AS exit_code,
        argMax(s.signal, s.position) AS signal,
        argMax(s.oom, s.position) AS oom,
        arrayFlatten(arraySort(x -> x.1, groupArray((s.position, arraySort(s.moves)))).2) AS moves,
        multiIf(
            argMax(s.final, s.position) = 1, toNullable(state_since),
            dead, greatest(last_event, state_since,
                ifNull(last_heartbeat, last_event) - toIntervalMicrosecond(clock_offset_us)),
            NULL) AS ended_at,
        sum(u.calls) AS calls,
        sum(u.priced_calls) AS priced_calls,
        sum(u.input_tokens) AS input_tokens,
        sum(u.uncached_tokens) AS uncached_tokens,
        sum(u.cache_read_tokens) AS cache_read_tokens,
        sum(u.cache_write_tokens) AS cache_write_tokens,
        sum(u.output_tokens) AS output_tokens,
        sum(u.reasoning_tokens) AS reasoning_tokens,
        if(priced_calls > 0, sum(u.cost), NULL) AS cost
    FROM segments_of(since = {since:DateTime64(3, 'UTC')}, root = {root:String}, due = 0) AS s
    LEFT JOIN (
        SELECT
            c.execution_id AS execution_id,
            count() AS calls,
            countIf(c.priced AND c.currency IN ('USD', '')) AS priced_calls,
            sum(c.input_tokens) AS input_tokens,
            sum(c.uncached_tokens) AS uncached_tokens,
            sum(c.cache_read_tokens) AS cache_read_tokens,
            sum(c.cache_write_tokens) AS cache_write_tokens,
            sum(c.output_tokens) AS output_tokens,
            sum(c.reasoning_tokens) AS reasoning_tokens,
            sumIf(ifNull(c.cost, 0), c.currency IN ('USD', '')) AS cost
        FROM model_calls AS c
        WHERE (c.created >= {since:DateTime64(3, 'UTC')} - toIntervalHour(2) OR c.created = toDateTime64(0, 3, 'UTC'))
          AND ({root:String} = '' OR (c.created, c.execution_id) IN (SELECT created, execution_id FROM asked_segments_of(since = {since:DateTime64(3, 'UTC')} - toIntervalHour(2), runs = (SELECT runs FROM asked_runs_of(root = {root:String})))))
        GROUP BY c.execution_id
    ) AS u ON u.execution_id = s.execution_id
    GROUP BY s.node_id
) AS n
