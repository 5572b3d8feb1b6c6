-- What each execution of a run used, by the latest report of each of its segments: CPU and disk of all segments
-- together, the highest of their peaks. It is exclusive where every segment was ('shared' is the greater word); the
-- share is that of the latest.
-- And what a process had used in its life ('process') that left an execution of the run open: the first of those that are
-- open there, where that was looked at later than the execution told of itself.
WITH
    -- who resumed what, and under which id it is shown; roots: the run and its resumed parts
    (SELECT groupArray((execution_id, first_id))
        FROM resumes_of(since = '1970-01-01 00:00:00', runs = (SELECT runs FROM asked_runs_of(root = {root_id:String})))) AS links,
    arrayPushBack(arrayFilter(l -> l.2 = {root_id:String}, links).1, {root_id:String}) AS roots,
    told AS (
        SELECT * FROM resources FINAL
        WHERE root_id IN (SELECT arrayJoin(roots))
        ORDER BY sequence DESC
        LIMIT 1 BY execution_id
    ),
    open AS (
        SELECT
            execution_id, parent_id, kind, name, writer.worker_id AS worker_id
        FROM (
            SELECT execution_id, parent_id, kind, name, writer, st
            FROM executions_state FINAL
            WHERE if(empty(root_id), execution_id, root_id) IN (SELECT arrayJoin(roots))
        )
        WHERE st.terminal = 0 AND st.state IN ('running', 'blocked', 'paused')
            AND NOT (st.state = 'paused' AND st.resume_key != '')
    )
SELECT ts, execution_id, kind, name, cpu_seconds, memory_peak_bytes, disk_read_bytes, disk_write_bytes,
    resource_scope, resource_share
FROM (
    SELECT
        max(s.ts) AS ts, s.id AS execution_id, argMax(s.kind, s.latest) AS kind, argMax(s.name, s.latest) AS name,
        sum(s.cpu_seconds) AS cpu_seconds, max(s.memory_peak_bytes) AS memory_peak_bytes,
        sum(s.disk_read_bytes) AS disk_read_bytes, sum(s.disk_write_bytes) AS disk_write_bytes,
        max(s.resource_scope) AS resource_scope, argMax(s.resource_share, s.latest) AS resource_share
    FROM (
        SELECT
            x.ts AS ts, transform(x.execution_id, links.1, links.2, x.execution_id) AS id, x.kind AS kind, x.name AS name,
            (x.ts, x.execution_id) AS latest, cpu_seconds, memory_peak_bytes, disk_read_bytes, disk_write_bytes,
            resource_scope, resource_share
        FROM told AS x
    ) AS s
    GROUP BY s.id
    UNION ALL
    SELECT
        fromUnixTimestamp64Micro(w.used.ts_us, 'UTC') AS ts, transform(o.execution_id, links.1, links.2, o.execution_id) AS execution_id,
        o.kind AS kind, o.name AS name,
        if(isFinite(w.used.cpu_seconds) AND w.used.cpu_seconds >= 0, w.used.cpu_seconds, NULL) AS cpu_seconds,
        accurateCastOrNull(w.used.memory_peak_bytes, 'UInt64') AS memory_peak_bytes,
        accurateCastOrNull(w.used.disk_read_bytes, 'UInt64') AS disk_read_bytes,
        accurateCastOrNull(w.used.disk_write_bytes, 'UInt64') AS disk_write_bytes,
        'process' AS resource_scope, NULL AS resource_share
    FROM open AS o
    INNER JOIN (
        SELECT worker_id, used
        FROM workers FINAL
        WHERE (created, worker_id) IN (SELECT least(UUIDv7ToDateTime(toUUIDOrZero(worker_id), 'UTC'),
            toDateTime64('2100-01-01 00:00:00', 3, 'UTC')), worker_id FROM open)
    ) AS w ON w.worker_id = o.worker_id
    LEFT JOIN told AS x ON x.execution_id = o.execution_id
    WHERE w.used.sequence > 0 AND w.used.ts_us > toUnixTimestamp64Micro(x.ts)
        AND (o.parent_id, o.worker_id) NOT IN (SELECT execution_id, worker_id FROM open)
)
ORDER BY ts DESC, execution_id DESC
