-- Segments that have told no end, but for those that are settled (0047). All of executions_state is looked at only until somebody
-- folds: from then on what was known to be open at the latest fold, and what was received since; and what is settled whose process was
-- heard since (0050). For the first that is a matter of speed alone: the answer is the same.
-- Parameters: since leaves out what was made before it, runs all but the segments of some runs (0051). `open_segments` (0054) is all.
-- Without FINAL, which reads whole rows: the greatest of all rows of a segment is the same.
CREATE OR REPLACE VIEW open_segments_of {on_cluster} AS
SELECT
    created, execution_id,
    max(s.parent_id) AS parent_id,
    max(s.root_id) AS root_id,
    max(s.writer).worker_id AS worker_id,
    argMax(s.st.state, (s.st.terminal, s.st.sequence)) AS state
FROM executions_state AS s
WHERE (created >= {since:DateTime64(3, 'UTC')} OR created = toDateTime64(0, 3, 'UTC'))
  AND ({runs:String} = '' OR (created, execution_id) IN (SELECT created, execution_id FROM asked_segments_of(since = {since:DateTime64(3, 'UTC')}, runs = {runs:String})))
  -- a set of all of them would be as large as the table: where nobody folds, all is read as it lies
  AND ((SELECT since FROM heard_since) < toDateTime64('1971-01-01 00:00:00', 6, 'UTC') OR (created, execution_id) IN (
    SELECT created, execution_id FROM open_known FINAL
    WHERE ended = 0 OR (ended = 2 AND worker_id IN (
        SELECT worker_id FROM workers WHERE received > (SELECT since FROM heard_since)))
    UNION ALL
    SELECT created, execution_id FROM executions_state
    WHERE received > (SELECT since FROM heard_since)))
GROUP BY created, execution_id
HAVING max(st.terminal) = 0
SETTINGS optimize_aggregation_in_order = 1
