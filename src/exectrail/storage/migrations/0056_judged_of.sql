-- One row per segment that has told no end, but for the settled ones (0047): what is to be thought of it. This is the one place where that is decided, but for
-- `overdue`, which wants to know who resumed what (segments_of, 0061).
--
-- * bound: its state needs a living process: running, blocked, or paused without a durable key.
-- * abandoned, cancelled: it is bound, the pipeline can tell, and its process has exited or let its lease run out. Cancelled, reason
--   signal, where somebody asked the process to go (SIGTERM, SIGINT); abandoned otherwise, reason process_exited or lease_expired.
--   The last words of a process and its exit may come by one insert, which reaches its tables one after the other: a question
--   could see the exit and not yet how things ended. So nobody is dead of whom `workers` knows a change of state that is not in
--   executions_state yet (`seen`; of the last minutes, for longer no insert takes). That is read before the segments are: it
--   stands first, and each table is looked at when its turn comes (else the first look at executions_state would be everyone's).
-- * live: it is bound to a process that is heard. Only what is live can be:
--   stuck: running or blocked, with nothing heard of it nor of what is beneath it for longer than allowed (quiet_s,
--   quiet_allowed_s), and nothing open beneath it that is not dead; then that is what it waits for. Paused is never stuck.
--   slow: running or blocked, and at work (work_s: without its pauses) for longer than allowed. Told by a baseline only.
--   orphaned: its parent, which another process works on, has ended or died: it works, and nobody waits for it.
--   A parent that is only paused may come back.
-- * heard_out: the pipeline has spoken for long enough that everything that was told would be here.
-- * Parameters: since leaves out segments that were made before it, by the time in their ids; runs all but those of some runs
--   (0051). `judged` is all of them.
CREATE OR REPLACE VIEW judged_of {on_cluster} AS
WITH
    -- scalars: computed once for all that ask for them
    (SELECT groupArray((now, silent, health, streak_s)) FROM pipeline)[1] AS p,
    (SELECT groupArray((baseline_runs, stuck_after_s, stuck_factor, stuck_least_s, slow_factor, slow_least_s)) FROM judge_rules)[1] AS j,
    (SELECT groupArray((created, execution_id, parent_id, worker_id, state, if(root_id = '', execution_id, root_id)))
        FROM open_segments_of(since = {since:DateTime64(3, 'UTC')}, runs = {runs:String})) AS opened,
    (SELECT groupArray((worker_id, moved_received, exited, last_moved, judgeable, status, last_heartbeat, clock_offset_us, lease_s,
        exit_code, signal, oom)) FROM workers_alive
        WHERE (created, worker_id) IN (
            SELECT least(UUIDv7ToDateTime(toUUIDOrZero(id), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')), id FROM (SELECT arrayJoin(opened.4) AS id))) AS processes,
    arrayMap(w -> w.1, arrayFilter(w -> w.5 = 1 AND w.6 != 'alive', processes)) AS gone,
    -- what may be beneath others: those alone are looked for that may be stuck, and not before the first of them was made
    (SELECT groupArray((x.1, x.2, x.6)) FROM (SELECT arrayJoin(opened) AS x)
        WHERE x.5 IN ('running', 'blocked') AND x.4 NOT IN (SELECT arrayJoin(gone))) AS at_work,
    if(empty(at_work), toDateTime64('2200-01-01 00:00:00', 3, 'UTC'), arrayMin(at_work.1) - toIntervalHour(2)) AS earliest
SELECT
    execution_id, parent_id, bound, dead,
    dead AND exited = 1 AND signal IN ('SIGTERM', 'SIGINT') AS cancelled,
    dead AND NOT cancelled AS abandoned,
    multiIf(NOT dead, '', cancelled, 'signal', exited = 1, 'process_exited', 'lease_expired') AS reason,
    live, quiet_s, by_baseline, quiet_allowed_s,
    works AND waited_for = 0 AND quiet_s > quiet_allowed_s AS stuck,
    work_s, work_allowed_s,
    works AND work_allowed_s > 0 AND work_s > work_allowed_s AS slow,
    if(live, parent_lost, '') AS lost,
    lost != '' AS orphaned,
    clock_offset_us, last_heartbeat, worker_status, exit_code, signal, oom, heard_out,
    multiIf(NOT bound, '', dead, 'dead', worker_id = '', 'unknown: no worker', p.2 = 1, p.3,
        worker_status != 'alive', 'unknown: pipeline was silent', 'alive') AS health
FROM (
    SELECT
        s.execution_id AS execution_id,
        s.parent_id AS parent_id,
        s.state AS state,
        s.bound AS bound,
        -- no plain AND: a filter by it, pushed down in parts, makes the planner lose a column (ClickHouse 26.9)
        if(s.bound, w.judgeable = 1 AND w.status != 'alive'
            AND (w.moved_received < p.1 - toIntervalMinute(1) OR w.last_moved <= seen.last_moved), 0) AS dead,
        s.bound AND NOT dead AND p.2 = 0 AND w.status = 'alive' AS live,
        live AND s.state != 'paused' AS works,
        c.waited_for AS waited_for,
        greatest(0., dateDiff('microsecond', greatest(s.last_event + toIntervalMicrosecond(w.clock_offset_us), c.heard), p.1) / 1e6) AS quiet_s,
        b.runs >= j.1 AS by_baseline,
        if(by_baseline, greatest(j.4, j.3 * b.quiet_p99_s), j.2) AS quiet_allowed_s,
        (s.worked_us + if(s.state IN ('running', 'blocked'), greatest(0, dateDiff('microsecond', s.told_us, p.1) - w.clock_offset_us), 0)) / 1e6 AS work_s,
        if(by_baseline, greatest(j.6, j.5 * b.work_p99_s), 0.) AS work_allowed_s,
        multiIf(o.worker_id IN ('', s.worker_id), '', o.final = 1, 'parent_ended', o.dead = 1, 'parent_died', '') AS parent_lost,
        w.worker_id AS worker_id,
        w.exited AS exited,
        w.clock_offset_us AS clock_offset_us,
        if(w.worker_id = '', NULL, w.last_heartbeat) AS last_heartbeat,
        w.status AS worker_status,
        w.exit_code AS exit_code,
        w.signal AS signal,
        w.oom AS oom,
        p.2 = 0 AND p.4 >= if(w.lease_s > 0, least(w.lease_s, 43200.), 45.) AS heard_out
    FROM (
        SELECT writer.worker_id AS worker_id, max(arrayMax(e.moves.ts)) AS last_moved
        FROM executions_state AS e
        WHERE e.received > now64(6, 'UTC') - toIntervalMinute(2)
        GROUP BY worker_id
    ) AS seen
    RIGHT JOIN (
        SELECT
            execution_id, parent_id, project, workflow, kind, name, last_event,
            st.state AS state,
            state IN ('running', 'blocked') OR (state = 'paused' AND st.resume_key = '') AS bound,
            writer.worker_id AS worker_id,
            arraySort(moves) AS told,
            arraySum((move, next) -> if(move.state IN ('running', 'blocked'), greatest(0, dateDiff('microsecond', move.ts, next)), 0),
                arrayPopBack(told), arrayPopFront(told.ts)) AS worked_us,
            told[-1].ts AS told_us
        FROM (
            SELECT execution_id, parent_id, project, workflow, kind, name, st, moves, writer, last_event
            FROM executions_state FINAL
            WHERE (created, execution_id) IN (SELECT x.1, x.2 FROM (SELECT arrayJoin(opened) AS x))
        )
    ) AS s ON s.worker_id = seen.worker_id
    LEFT JOIN (
        SELECT
            w.1 AS worker_id, w.2 AS moved_received, w.3 AS exited, w.4 AS last_moved, w.5 AS judgeable, w.6 AS status, w.7 AS last_heartbeat,
            w.8 AS clock_offset_us, w.9 AS lease_s, w.10 AS exit_code, w.11 AS signal, w.12 AS oom
        FROM (SELECT arrayJoin(processes) AS w)
    ) AS w ON w.worker_id = s.worker_id
    -- what is beneath it
    LEFT JOIN (
        SELECT
            parent_id,
            max(least(received, last_event + toIntervalMicrosecond(delay_us))) AS heard,
            countIf(st.terminal = 0 AND NOT ((st.state IN ('running', 'blocked') OR (st.state = 'paused' AND st.resume_key = ''))
                AND writer.worker_id IN (SELECT arrayJoin(gone)))) AS waited_for
        FROM (
            SELECT parent_id, st, writer, last_event, delay_us, received
            FROM executions_state FINAL
            WHERE (created, execution_id) IN (
                SELECT created, execution_id FROM executions_state
                WHERE (created >= earliest OR created = toDateTime64(0, 3, 'UTC'))
                  AND (root_id = '' OR root_id IN (SELECT arrayJoin(at_work.3)))
                  AND parent_id IN (SELECT arrayJoin(at_work.2)))
        )
        GROUP BY parent_id
    ) AS c ON c.parent_id = s.execution_id
    -- what it is beneath
    LEFT JOIN (
        SELECT
            execution_id,
            writer.worker_id AS worker_id,
            st.terminal = 1 AS final,
            (st.state IN ('running', 'blocked') OR (st.state = 'paused' AND st.resume_key = ''))
                AND writer.worker_id IN (SELECT arrayJoin(gone)) AS dead
        FROM (
            SELECT execution_id, st, writer
            FROM executions_state FINAL
            WHERE (created, execution_id) IN (SELECT least(UUIDv7ToDateTime(toUUIDOrZero(above), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')), above
                FROM (SELECT arrayJoin(opened.3) AS above))
        )
    ) AS o ON o.execution_id = s.parent_id
    LEFT JOIN (SELECT project, workflow, kind, name, runs, quiet_p99_s, work_p99_s FROM baselines FINAL) AS b
        ON b.project = s.project AND b.workflow = s.workflow AND b.kind = s.kind AND b.name = s.name
)
SETTINGS enable_shared_storage_snapshot_in_query = 0
