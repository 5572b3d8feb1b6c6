-- One row per process. All times here are the store's clock: `last_heartbeat` is its latest sign of life, `expires_at`
-- when its lease ends. `judgeable` = its silence proves something: the pipeline speaks, and has spoken for one lease
-- without a gap (at most half a day is asked for). `clock_offset_us` is what to add to times that it wrote.
CREATE OR REPLACE VIEW workers_alive {on_cluster} AS
SELECT
    w.worker_id AS worker_id,
    w.service AS service,
    w.service_version AS service_version,
    w.project AS project,
    w.environment AS environment,
    w.host AS host,
    w.pid AS pid,
    w.lease_s AS lease_s,
    w.heartbeat.open_executions AS open_executions,
    toUnixTimestamp64Micro(w.beat) != 0 AS clock_known,
    if(clock_known, w.delay_us, 0) AS clock_offset_us,
    greatest(w.heard, if(clock_known, w.beat + toIntervalMicrosecond(w.delay_us),
        if(w.exit.exited = 1, w.exit.ts, w.heard))) AS last_heartbeat,
    last_heartbeat + toIntervalMicrosecond(toInt64(w.lease_s * 1e6)) AS expires_at,
    w.exit.exited = 1 AND w.exit.ts >= w.beat AND w.heard <= w.exit.ts AS exited,
    if(exited AND w.exit.has_code = 1, w.exit.exit_code, NULL) AS exit_code,
    if(exited, w.exit.signal, '') AS signal,
    exited AND w.exit.oom = 1 AS oom,
    NOT exited AND w.lease_s > 0 AND expires_at < p.now AS expired,
    NOT p.silent AND (exited OR p.streak_s >= least(w.lease_s, 43200.)) AS judgeable,
    multiIf(exited, 'exited', expired, 'silent', 'alive') AS status
FROM (SELECT * FROM workers FINAL) AS w
CROSS JOIN pipeline AS p
