-- Of what is open, that of which nothing more is to be said, with what is known of it: `open_known`. It has been said for an hour that
-- it is dead, or it waits durably and was resumed elsewhere an hour ago.
INSERT INTO open_known (created, execution_id, ended, found, root_id, worker_id, bound, dead, cancelled, reason, health, clock_offset_us,
    last_heartbeat, worker_status, exit_code, signal, oom)
SELECT
    s.created, s.execution_id, 2, {found:DateTime64(6, 'UTC')}, s.root_id, s.worker_id, j.bound, j.dead, j.cancelled, j.reason, j.health,
    j.clock_offset_us, j.last_heartbeat, j.worker_status, j.exit_code, j.signal, j.oom
FROM open_segments AS s
INNER JOIN judged AS j ON j.execution_id = s.execution_id
WHERE (j.dead AND j.execution_id IN (
        SELECT segment_id FROM verdicts
        WHERE segment_id IN (SELECT execution_id FROM open_segments)
        GROUP BY segment_id
        HAVING argMax(verdict, time) IN ('abandoned', 'cancelled') AND max(time) < {found:DateTime64(6, 'UTC')} - toIntervalHour(1)))
   OR (s.state = 'paused' AND NOT j.bound AND j.execution_id IN (
        SELECT resumed_id FROM resumes
        WHERE execution_id IN (
            SELECT execution_id FROM keyed_segments
            GROUP BY execution_id
            HAVING max(received) < {found:DateTime64(6, 'UTC')} - toIntervalHour(1))))
