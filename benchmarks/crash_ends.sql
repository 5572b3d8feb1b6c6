-- What became of segments, as soon as it is known: what the judge thinks of those that told no end, and what others have told in
-- the last seconds. Small enough to be asked all the time; `execution_tree` shows the same.
SELECT
    execution_id, if(abandoned, 'abandoned', 'cancelled') AS state, toString(reason) AS reason, exit_code,
    toString(signal) AS signal, toUInt8(oom) AS oom
FROM judged
WHERE dead
UNION ALL
SELECT execution_id, told.state, told.reason, NULL, '', 0
FROM (
    SELECT execution_id, max(s.st) AS told
    FROM executions_state AS s
    WHERE s.received > now64(6) - toIntervalSecond(5)
    GROUP BY execution_id
)
WHERE told.terminal = 1
