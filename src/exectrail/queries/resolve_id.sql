-- Executions by the beginning of an id, of a segment too, or by the whole id that their framework uses; runs first,
-- because what is beneath a run often begins with the same millisecond. An id that begins so was made from `made_since` until `made_until`, or
-- tells no time.
WITH
    (
        SELECT groupArray(run_id)
        FROM (
            SELECT run_id
            FROM (
                SELECT if(empty(root_id), execution_id, root_id) AS run_id, execution_id, created
                FROM executions_state
                WHERE startsWith(execution_id, {prefix:String})
                    AND (created BETWEEN {made_since:DateTime64(3, 'UTC')} AND {made_until:DateTime64(3, 'UTC')} OR created = toDateTime64(0, 3, 'UTC'))
                UNION ALL
                SELECT if(empty(root_id), execution_id, root_id) AS run_id, execution_id, created
                FROM executions_state
                WHERE external_id = {external_id:String} AND external_id != ''
            )
            GROUP BY run_id
            ORDER BY max(execution_id = run_id) DESC, max(created) DESC, run_id
            LIMIT {limit:UInt32}
        )
    ) AS found,
    -- a run that was resumed is shown under its first segment's id
    (SELECT groupArray(first_id)
        FROM resumes_of(since = '1970-01-01 00:00:00', runs = if(empty(found), '-', arrayStringConcat(found, ',')))
        WHERE execution_id IN (SELECT arrayJoin(found))) AS firsts
SELECT
    node_id AS execution_id, any(root_node) AS root_id, node_id = root_id AS is_root, max(kind) AS kind,
    max(name) AS name, argMax(effective_state, position) AS effective_state, min(started_at) AS started_at
FROM segments_of(since = '1970-01-01 00:00:00', root = if(empty(found), '-', arrayStringConcat(arrayConcat(found, firsts), ',')), due = 0) AS s
GROUP BY node_id
HAVING countIf(startsWith(s.execution_id, {prefix:String}) OR s.external_id = {external_id:String}) > 0
ORDER BY is_root DESC, started_at DESC, execution_id
LIMIT {limit:UInt32}
