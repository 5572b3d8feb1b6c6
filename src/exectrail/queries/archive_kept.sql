-- Segments that stay in the tables though their rows are old enough to be archived: those of runs that are not over, or of
-- which anything came since. A run goes whole or not at all. Over is a run whose root has ended or died, and beneath
-- which no process works. Ids without a time are always among those that may be old enough.
WITH toDateTime64({before:DateTime('UTC')}, 6, 'UTC') AS since
SELECT segment AS execution_id
FROM (
    SELECT arrayJoin(arrayFlatten(groupArray(segments))) AS segment
    FROM (
        SELECT
            node_id,
            any(root_node) AS root,
            groupArray(s.execution_id) AS segments,
            max(s.received) AS heard,
            argMax(s.effective_state, s.position) AS state,
            argMax(s.bound AND NOT s.dead AND s.health != 'unknown: no worker', s.position) AS works
        FROM segments AS s
        GROUP BY node_id
    )
    GROUP BY root
    HAVING max(heard) >= since
        OR countIf(works) > 0
        OR countIf(node_id = root AND state NOT IN ('completed', 'failed', 'cancelled', 'abandoned')) > 0
)
WHERE UUIDv7ToDateTime(toUUIDOrZero(segment), 'UTC') < since + toIntervalDay(1)
