-- One row per model call with how the run it belongs to stands, and what its money was wasted by. Parameters: see 0061; a call
-- counts by when its run was made. A sum over all rows is all money of those runs, each call once.
--
-- * run_id, state: the run, under the id it is shown by, and its effective state.
-- * cause: '' where it was not wasted, else the first of these that holds:
--   1. retried: it is part of an attempt that did not complete and that a later attempt followed: the same step (kind, name and
--      turn) under the same parent. That money was gone however the run ended.
--   2. abandoned, failed, cancelled: the run ended so. What of it was of use all the same, nobody can tell from here.
--   3. abandoned, failed, cancelled, in this order: the run went on or completed, but a part of it that the call belongs to ended so.
--
-- A call is part of what it is beneath, at whatever depth (up to 64 levels); parents are found by their segments, resumed ones
-- too. The tree is read once, for what ended badly; what is beneath that is followed by parent alone.
CREATE OR REPLACE VIEW call_ends_of {on_cluster} AS
WITH RECURSIVE
    (SELECT groupArray((execution_id, first_id, position)) FROM resumes_of(since = {since:DateTime64(3, 'UTC')} - toIntervalHour(2), runs = (SELECT runs FROM asked_runs_of(root = {root:String})))) AS links,
    -- (rank, word, ids): with rank 0 the runs in that state; else the segments of what ended badly, by the rank of the cause and the
    -- cause. In pieces by run, because no array of more than a million may stand in a plan; few words, because each costs as it is copied.
    (
        SELECT groupArray((rank, word, ids))
        FROM (
            SELECT found.1 AS rank, found.2 AS word, groupArrayArray(found.3) AS ids
            FROM (
                SELECT
                    n.root_id AS run_id,
                    n.effective_state != 'completed' AND n.attempt < max(n.attempt) OVER (
                        PARTITION BY n.root_id, n.parent_id, n.kind, n.name, n.iteration) AS retried,
                    multiIf(retried, 'retried', n.effective_state IN ('abandoned', 'failed', 'cancelled'), n.effective_state, '') AS cause,
                    multiIf(retried, 1, n.is_root, 2, n.effective_state = 'abandoned', 3, n.effective_state = 'failed', 4, 5) AS why,
                    arrayJoin([(0, n.effective_state, if(n.is_root, [n.root_id], [])), (why, cause, if(cause = '', [], n.segments))]) AS found
                FROM execution_tree_of(since = {since:DateTime64(3, 'UTC')}, root = {root:String}) AS n
            )
            WHERE notEmpty(found.3)
            GROUP BY rank, word, cityHash64(run_id) % 64
        )
    ) AS ends,
    wasted AS (
        SELECT arrayJoin(e.3) AS segment, e.1 AS rank, e.2 AS cause, 0 AS depth
        FROM (SELECT arrayJoin(ends) AS e)
        WHERE e.1 > 0
        UNION ALL
        SELECT DISTINCT e.segment AS segment, w.rank AS rank, w.cause AS cause, w.depth + 1 AS depth
        FROM (
            SELECT execution_id AS segment, parent_id AS above
            FROM executions_state
            WHERE parent_id != ''
              AND (created >= {since:DateTime64(3, 'UTC')} - toIntervalHour(2) OR created = toDateTime64(0, 3, 'UTC'))
              AND ({root:String} = '' OR (created, execution_id) IN (SELECT created, execution_id FROM asked_segments_of(since = {since:DateTime64(3, 'UTC')} - toIntervalHour(2), runs = (SELECT runs FROM asked_runs_of(root = {root:String})))))
            UNION ALL SELECT l.1, l.2 FROM (SELECT arrayJoin(links) AS l)
        ) AS e
        INNER JOIN wasted AS w ON w.segment = e.above
        WHERE w.depth < 64
    )
SELECT c.* EXCEPT (node_id), r.run_id AS run_id, r.run_state AS state, w.why.2 AS cause
FROM (
    SELECT *, transform(execution_id, links.1, links.2, execution_id) AS node_id
    FROM model_calls
    WHERE (created >= {since:DateTime64(3, 'UTC')} - toIntervalHour(2) OR created = toDateTime64(0, 3, 'UTC'))
      AND ({root:String} = '' OR (created, execution_id) IN (SELECT created, execution_id FROM asked_segments_of(since = {since:DateTime64(3, 'UTC')} - toIntervalHour(2), runs = (SELECT runs FROM asked_runs_of(root = {root:String})))))
) AS c
-- the run of an execution is that of the first segment of its chain, as in the tree
INNER JOIN (
    SELECT
        transform(s.execution_id, links.1, links.2, s.execution_id) AS node_id,
        argMax(s.root_id, (-toInt64(transform(s.execution_id, links.1, links.3, 1)), s.root_id)) AS told,
        if(told = '', node_id, told) AS root,
        transform(root, links.1, links.2, root) AS run_id
    FROM executions_state AS s
    WHERE (s.created >= {since:DateTime64(3, 'UTC')} - toIntervalHour(2) OR s.created = toDateTime64(0, 3, 'UTC'))
      AND ({root:String} = '' OR (s.created, s.execution_id) IN (SELECT created, execution_id FROM asked_segments_of(since = {since:DateTime64(3, 'UTC')} - toIntervalHour(2), runs = (SELECT runs FROM asked_runs_of(root = {root:String})))))
    GROUP BY node_id
) AS n ON n.node_id = c.node_id
INNER JOIN (
    SELECT arrayJoin(e.3) AS run_id, e.2 AS run_state FROM (SELECT arrayJoin(ends) AS e) WHERE e.1 = 0
) AS r ON r.run_id = n.run_id
LEFT JOIN (SELECT segment, min((rank, cause)) AS why FROM wasted GROUP BY segment) AS w ON w.segment = c.execution_id
