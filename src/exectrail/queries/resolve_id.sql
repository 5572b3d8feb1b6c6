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
    -- and those that share a durable key with one of these: a run that was resumed is shown under its first segment's id
    (SELECT runs FROM asked_runs_of(root = if(empty(found), '-', arrayStringConcat(found, ',')))) AS related,
    (SELECT groupArray((execution_id, first_id))
        FROM resumes_of(since = '1970-01-01 00:00:00', runs = (SELECT runs FROM asked_runs_of(root = if(empty(found), '-', arrayStringConcat(found, ',')))))) AS links
SELECT
    node_id AS execution_id, any(root_node) AS root_id, node_id = root_id AS is_root, max(s.kind) AS kind, max(s.name) AS name, min(s.began) AS started_at
FROM (
    SELECT
        execution_id AS segment_id, external_id, kind, name, first.ts AS began,
        transform(execution_id, links.1, links.2, execution_id) AS node_id,
        transform(own_root, links.1, links.2, own_root) AS root_node
    FROM (
        SELECT execution_id, external_id, kind, name, first, if(empty(root_id), execution_id, root_id) AS own_root
        FROM executions_state FINAL
        WHERE (created, execution_id) IN (
            SELECT created, execution_id FROM executions_state
            WHERE if(empty(root_id), execution_id, root_id) IN (SELECT arrayJoin(splitByChar(',', assumeNotNull(related)))))
    )
) AS s
GROUP BY node_id
HAVING countIf(startsWith(s.segment_id, {prefix:String}) OR s.external_id = {external_id:String}) > 0
ORDER BY is_root DESC, started_at DESC, execution_id
LIMIT {limit:UInt32}
