-- All changes of state in a run, of its resumed segments too, in order of time.
SELECT
    t.ts AS ts, s.node_id AS execution_id, t.execution_id AS segment_id, t.sequence AS sequence, t.kind AS kind,
    t.name AS name, t.agent AS agent, t.previous_state AS previous_state, t.state AS state, t.reason AS reason,
    t.valid AS valid, t.attempt AS attempt, t.iteration AS iteration, t.error_type AS error_type,
    t.error_message AS error_message, t.host AS host, t.pid AS pid
FROM (
    SELECT * FROM transitions FINAL
    WHERE (created, execution_id) IN (
        SELECT created, execution_id FROM asked_segments_of(since = '1970-01-01 00:00:00', runs = (SELECT runs FROM asked_runs_of(root = {root_id:String}))))
) AS t
INNER JOIN (SELECT execution_id, node_id FROM segments_of(since = least(UUIDv7ToDateTime(toUUIDOrZero({root_id:String}), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')) - toIntervalDay(1), root = {root_id:String}, due = 0)) AS s
    ON s.execution_id = t.execution_id
ORDER BY ts, segment_id, sequence
