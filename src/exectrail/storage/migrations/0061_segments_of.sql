-- One row per segment, with its place in a chain of pauses and resumes and what is to be thought of its state now.
-- A view with parameters, so that a question about one run, or about recent ones, reads only their rows; `segments`
-- (0062) is all of them. The views that stand on it take the same two and hand them down:
--
-- * since: only runs whose root was made after it, by the time in its id (an hour earlier to be sure: clocks differ; ids
--   without a time are always in). '1970-01-01' is all.
-- * root: only the run that is shown under this id, or several with commas between. The first may be 'ID..ID': all from one to the other,
--   by their ids. '' is all.
--
-- * node_id, parent_node, root_node: the execution, its parent and its root as they are shown, that is under the first
--   segments of their chains: what was done beneath a resumed run belongs to the run that was resumed.
-- * due: 1 reads only what the judge has to look at (0055). 0 is all.
-- * effective_state: the judge's word (`judged_of`, 0056) where it has one, abandoned or cancelled; else what the program said.
-- * overdue: past its deadline, or that of the segment it resumes, with nothing to show that it ended; also while it is created,
--   queued or paused, but not where it was resumed elsewhere, nor within a lease after the pipeline was silent. A deadline is
--   a time by everybody's clock: it is not shifted.
-- * flags: all that holds of stuck, orphaned, overdue and slow, the gravest first.
-- * health: dead; unknown and why; the first of the flags; alive; '' for what needs no process and has no flag.
-- * verdict: what the judge says of it: abandoned, cancelled, the first of the flags, or ''. seconds and allowed_s measure it.
-- * Times are the sender's; clock_offset_us turns them into the store's. It and what else is known of the process (last_heartbeat,
--   exit_code, signal, oom) is there for what has told no end.
CREATE OR REPLACE VIEW segments_of {on_cluster} AS
WITH
    splitByString('..', splitByChar(',', {root:String})[1]) AS ends,
    -- nothing of a run was made long before the run, whatever the clocks
    greatest({since:DateTime64(3, 'UTC')} - toIntervalHour(2),
        arrayMin(arrayMap(id -> least(UUIDv7ToDateTime(toUUIDOrZero(id), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')),
            arrayFilter(id -> id != '' OR {root:String} = '', splitByChar(',', replaceOne({root:String}, '..', ','))))) - toIntervalDay(1)) AS begin,
    -- a scalar is worked out once, and planned once for each subquery that names it: so none does but this one
    (SELECT groupArray((execution_id, first_id, position, resumed_id, forked_from, deadline))
        FROM resumes_of(since = {since:DateTime64(3, 'UTC')} - toIntervalHour(2), runs = (SELECT runs FROM asked_runs_of(root = {root:String})))) AS links,
    links.1 AS chained,
    links.2 AS firsts,
    arrayFilter(l -> l.5 != '', links) AS forks,
    -- of a chain, for segments of it that state none
    arrayFilter(l -> toUnixTimestamp64Micro(l.6) != 0, links) AS deadlines
SELECT
    s.execution_id AS execution_id,
    transform(s.execution_id, chained, firsts, s.execution_id) AS node_id,
    transform(s.execution_id, chained, links.3, 1) AS position,
    transform(s.execution_id, chained, links.4, '') AS resumed_id,
    transform(s.execution_id, forks.1, forks.5, s.forked_from) AS forked_from,
    transform(s.parent_id, chained, firsts, s.parent_id) AS parent_node,
    transform(s.own_root, chained, firsts, s.own_root) AS root_node,
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
    nullIf(if(toUnixTimestamp64Micro(s.deadline) != 0, s.deadline, transform(node_id, deadlines.2, deadlines.6, s.deadline)),
        toDateTime64(0, 6, 'UTC')) AS deadline,
    s.progress.progress AS progress,
    s.progress.message AS message,
    s.progress.steps_planned AS steps_planned,
    s.progress.steps_completed AS steps_completed,
    s.trace_id AS trace_id,
    s.span_id AS span_id,
    s.st.state AS state,
    s.st.terminal = 1 AS final,
    s.st.state = 'paused' AND s.st.resume_key != '' AS durable,
    j.bound = 1 AS bound,
    j.dead = 1 AS dead,
    j.dead = 1 AND j.cancelled = 0 AS abandoned,
    multiIf(abandoned, 'abandoned', j.cancelled = 1, 'cancelled', s.st.state) AS effective_state,
    if(j.dead = 1, j.reason, s.st.reason) AS reason,
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
    j.clock_offset_us AS clock_offset_us,
    j.last_heartbeat AS last_heartbeat,
    j.worker_status AS worker_status,
    j.exit_code AS exit_code,
    j.signal AS signal,
    j.oom AS oom,
    NOT final AND NOT dead AND j.heard_out = 1 AND ifNull(deadline < now64(6, 'UTC'), 0)
        AND transform(s.execution_id, links.4, links.3, 0) = 0 AS overdue,
    arrayFilter(flag -> flag != '', [if(j.stuck = 1, 'stuck', ''), if(j.orphaned = 1, 'orphaned', ''),
        if(overdue, 'overdue', ''), if(j.slow = 1, 'slow', '')]) AS flags,
    if(dead, effective_state, flags[1]) AS verdict,
    multiIf(flags[1] = 'stuck', j.quiet_s, flags[1] = 'overdue', dateDiff('microsecond', assumeNotNull(deadline), now64(6, 'UTC')) / 1e6,
        flags[1] = 'slow', j.work_s, 0.) AS seconds,
    multiIf(flags[1] = 'stuck', j.quiet_allowed_s, flags[1] = 'slow', j.work_allowed_s, 0.) AS allowed_s,
    j.by_baseline = 1 AS by_baseline,
    j.lost AS lost,
    -- enough is known to take back what was said
    final OR (j.heard_out = 1 AND (NOT bound OR j.live = 1)) AS told_apart,
    if(j.health IN ('', 'alive') AND verdict != '', verdict, j.health) AS health,
    s.received AS received
FROM (
    SELECT *, if(root_id = '', execution_id, root_id) AS own_root
    FROM executions_state FINAL
    WHERE (created >= begin OR created = toDateTime64(0, 3, 'UTC'))
      AND ({due:UInt8} = 0 OR (created, execution_id) IN (
          SELECT created, execution_id FROM judge_candidates))
      AND ({root:String} = '' OR (created, execution_id) IN (SELECT created, execution_id FROM asked_segments_of(since = {since:DateTime64(3, 'UTC')} - toIntervalHour(2), runs = (SELECT runs FROM asked_runs_of(root = {root:String})))))
) AS s
LEFT JOIN (
    SELECT
        execution_id, bound, dead, cancelled, reason, live, quiet_s, by_baseline, quiet_allowed_s, stuck, work_s, work_allowed_s, slow,
        lost, orphaned, clock_offset_us, last_heartbeat, worker_status, exit_code, signal, oom, heard_out, health
    FROM judged_of(since = {since:DateTime64(3, 'UTC')} - toIntervalHour(2), runs = (SELECT runs FROM asked_runs_of(root = {root:String})))
    UNION ALL
    -- what was said of it when it was settled, unless it or its process was heard since
    SELECT
        execution_id, bound, dead, cancelled, reason, 0, 0., 0, 0., 0, 0., 0., 0,
        '', 0, clock_offset_us, last_heartbeat, worker_status, exit_code, signal, oom, 0, health
    FROM open_known FINAL
    WHERE ended = 2 AND {due:UInt8} = 0 AND (created >= begin OR created = toDateTime64(0, 3, 'UTC'))
      AND ({root:String} = '' OR (created, execution_id) IN (SELECT created, execution_id FROM asked_segments_of(since = {since:DateTime64(3, 'UTC')} - toIntervalHour(2), runs = (SELECT runs FROM asked_runs_of(root = {root:String})))))
      AND (created, execution_id) NOT IN (
          SELECT created, execution_id FROM executions_state WHERE received > (SELECT since FROM heard_since))
      AND worker_id NOT IN (SELECT worker_id FROM workers WHERE received > (SELECT since FROM heard_since))
) AS j ON j.execution_id = s.execution_id
WHERE (UUIDv7ToDateTime(toUUIDOrZero(root_node), 'UTC') >= {since:DateTime64(3, 'UTC')} - toIntervalHour(1)
    OR UUIDv7ToDateTime(toUUIDOrZero(root_node), 'UTC') = toDateTime64(0, 3, 'UTC'))
  AND ({root:String} = '' OR has(splitByChar(',', {root:String}), root_node)
      OR (length(ends) = 2 AND root_node BETWEEN ends[1] AND ends[2]))
SETTINGS enable_shared_storage_snapshot_in_query = 0
