-- One row per model call with how the run it belongs to stands, and what its money was wasted by. Parameters: see 0057; a call
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
    (SELECT groupArray((execution_id, first_id)) FROM resumes) AS links,
    -- one entry per segment: (segment, run, state of the run, rank of the cause, cause, segments of its node)
    (
        SELECT groupArray((segment, run_id, run_state, if(cause = '', 9, rank), cause))
        FROM (
            SELECT
                arrayJoin(n.segments) AS segment,
                n.root_id AS run_id,
                anyIf(n.effective_state, n.is_root) OVER (PARTITION BY n.root_id) AS run_state,
                n.effective_state != 'completed' AND n.attempt < max(n.attempt) OVER (
                    PARTITION BY n.root_id, n.parent_id, n.kind, n.name, n.iteration) AS retried,
                multiIf(retried, 'retried', n.effective_state IN ('abandoned', 'failed', 'cancelled'), n.effective_state, '') AS cause,
                multiIf(retried, 1, n.is_root, 2, n.effective_state = 'abandoned', 3, n.effective_state = 'failed', 4, 5) AS rank
            FROM execution_tree_of(since = {since:DateTime64(3, 'UTC')}, root = {root:String}) AS n
        )
    ) AS parts,
    arrayMap(p -> p.1, parts) AS segments,
    wasted AS (
        SELECT p.1 AS segment, p.4 AS rank, p.5 AS cause, 0 AS depth
        FROM (SELECT arrayJoin(parts) AS p)
        WHERE p.5 != ''
        UNION ALL
        SELECT DISTINCT e.segment AS segment, w.rank AS rank, w.cause AS cause, w.depth + 1 AS depth
        FROM (
            SELECT execution_id AS segment, parent_id AS above
            FROM executions_state
            WHERE parent_id != ''
              AND (created >= {since:DateTime64(3, 'UTC')} - toIntervalHour(2) OR created = toDateTime64(0, 3, 'UTC'))
              AND ({root:String} = '' OR has(segments, execution_id))
            UNION ALL SELECT l.1, l.2 FROM (SELECT arrayJoin(links) AS l)
        ) AS e
        INNER JOIN wasted AS w ON w.segment = e.above
        WHERE w.depth < 64
    )
SELECT c.*, r.run_id AS run_id, r.run_state AS state, w.why.2 AS cause
FROM (
    SELECT * FROM model_calls
    WHERE (created >= {since:DateTime64(3, 'UTC')} - toIntervalHour(2) OR created = toDateTime64(0, 3, 'UTC'))
      AND ({root:String} = '' OR has(segments, execution_id))
) AS c
INNER JOIN (SELECT p.1 AS segment, p.2 AS run_id, p.3 AS run_state FROM (SELECT arrayJoin(parts) AS p)) AS r ON r.segment = c.execution_id
LEFT JOIN (SELECT segment, min((rank, cause)) AS why FROM wasted GROUP BY segment) AS w ON w.segment = c.execution_id
