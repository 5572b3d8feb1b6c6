-- One row per process. All times here are the store's clock: `last_heartbeat` is its latest sign of life, `expires_at`
-- when its lease ends. `judgeable` = its silence proves something: the pipeline speaks, and has spoken for one lease
-- without a gap (at most half a day is asked for). `clock_offset_us` is what to add to times that it wrote. `last_moved` is when an
-- execution of it changed its state last, by its own clock, and moved_received when word of that came.
--
-- When was it last alive? An event was written at `ts` by the sender's clock and arrived at `received` by the store's:
-- received - ts = what the clocks differ by + what it took on its way. The least of these differences (`delay_us`) is
-- nearest to the clocks' alone, so `settled` = the greatest ts + the least difference. As long as the sender's clock only
-- runs, that is never before the truth, and later by no more than the quickest delivery took; whatever comes late, twice or in
-- another order can only bring it nearer. It holds where the clock jumps ahead too, from the first event after that on: it has
-- both the greatest ts and the least difference.
--
-- A clock that is set back while the process runs breaks it: nothing that it writes is later than what it wrote before,
-- until the time it was set back by has gone. A difference that grew means either that, or a late delivery, and one event alone
-- cannot tell which. Two can: what is written now arrives at the pace at which it is written, however great the difference
-- is, while what was kept and is sent later (a spool, a queue, a batch once more) arrives at once, or at least at another pace.
-- So where the latest worker event by number (`latest`: never by a clock; of one that came twice the first arrival)
-- came as long after one of the three before it as it was written after it, by half of that time at most, its arrival
-- is a sign of life (`paced`). It must be 5 s after the other, or a sixth of the lease where that is less (two beats are a
-- third apart), and two leases at most: over hours, with beats lost between, much passes for the same pace. And it must say
-- more than a third of a lease more than `settled` does: what is less than that, the lease bears anyway. What the process writes and what a
-- supervisor writes for it are counted apart, for each has its own pace. A pipeline that lags behind evenly passes for a clock
-- that was set back, and rightly: what it brings was written one after the other, and nobody is called dead for its lag.
--
-- Has it ended? An exit holds unless the same voice went on (a greater number), or the process itself was heard with
-- something that was both written after the exit and arrived after it. So what arrives later with an earlier time revives
-- nobody, nor does what was written before its clock was set back, and a supervisor's beats do not outvote the process's own last word.
-- What the supervisor saw of the end counts before what the process said of it, where it saw how.
--
-- Each step stands in a subquery of its own: what is only named again is worked out again wherever it is used.
CREATE OR REPLACE VIEW workers_alive {on_cluster} AS
WITH (SELECT groupArray((now, silent, streak_s)) FROM pipeline)[1] AS p
SELECT
    created, worker_id, service, service_version, project, environment, host, pid, lease_s, open_executions, clock_known,
    clock_offset_us, last_heartbeat, expires_at, exited,
    if(exited AND end.has_code = 1, end.exit_code, NULL) AS exit_code,
    if(exited, end.signal, '') AS signal,
    exited AND oom AS oom,
    expired,
    NOT p.2 AND (exited OR p.3 >= least(lease_s, 43200.)) AS judgeable,
    multiIf(exited, 'exited', expired, 'silent', 'alive') AS status,
    moved.ts AS last_moved,
    fromUnixTimestamp64Micro(-moved.unreceived, 'UTC') AS moved_received,
    received
FROM (
    SELECT
        *,
        said_so OR was_seen AS exited,
        if(was_seen AND (seen_exit.has_code = 1 OR seen_exit.signal != '' OR NOT said_so), seen_exit, own_exit) AS end,
        (was_seen AND seen_exit.oom = 1) OR (said_so AND own_exit.oom = 1) AS oom,
        if(paced.1 > 0, paced.2, clock_us) AS clock_offset_us,
        greatest(heard, fromUnixTimestamp64Micro(greatest(settled_us, paced.1), 'UTC')) AS last_heartbeat,
        last_heartbeat + toIntervalMicrosecond(lease_us) AS expires_at,
        lease_s > 0 AND expires_at < p.1 AS expired
    FROM (
        SELECT
            *,
            own_exit.sequence > 0 AND own[1].sequence <= own_exit.sequence
                AND NOT (told.ts_us > own_exit.ts_us AND told.unreceived < own_exit.unreceived) AS said_so,
            seen_exit.sequence > 0 AND seen[1].sequence <= seen_exit.sequence
                AND NOT (told.ts_us > seen_exit.ts_us AND told.unreceived < seen_exit.unreceived)
                AND NOT (own[1].ts_us > seen_exit.ts_us AND own[1].unreceived < seen_exit.unreceived) AS was_seen,
            arrayMax(s -> if(-s[1].unreceived > settled_us + intDiv(lease_us, 3) AND arrayExists(
                    (written, came) -> written BETWEEN least(intDiv(lease_us, 6), 5000000) AND 2 * lease_us AND came > 0
                        AND 2 * abs(written - came) <= greatest(written, came),
                    arrayMap(ts_us -> s[1].ts_us - ts_us, s.ts_us), arrayMap(unreceived -> unreceived - s[1].unreceived, s.unreceived)),
                (-s[1].unreceived, -s[1].unreceived - s[1].ts_us), (0, 0)), [own, seen]) AS paced
        FROM (
            SELECT
                *,
                toInt64(lease_s * 1e6) AS lease_us,
                heartbeat.open_executions AS open_executions,
                toUnixTimestamp64Micro(beat) AS beat_us,
                beat_us != 0 AS clock_known,
                if(clock_known, delay_us, 0) AS clock_us,
                if(clock_known, beat_us + delay_us, 0) AS settled_us,
                arrayReverseSort(mapValues(mapFilter((slot, last) -> slot < 4, latest))) AS own,
                arrayReverseSort(mapValues(mapFilter((slot, last) -> slot >= 4, latest))) AS seen
            FROM workers FINAL
        )
    )
)
