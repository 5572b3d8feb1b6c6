-- Segments that have told no end. All of executions_state is looked at only until somebody folds (0090): from then on what
-- was open at the last fold, and what was received since. That is a matter of speed alone: the answer is the same.
--
-- * open_known: what was found open at a fold, and what of it was not any more at a later one. `ended` rows go after a
--   week; where that leaves an older row behind, it costs a look, and the next fold says so again.
-- * folds: when the latest one began. What was received from two minutes before on is looked at again: so long an
--   insert may take from its stamp to its being seen.
CREATE TABLE IF NOT EXISTS open_known {on_cluster} (
    created DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    execution_id String CODEC(ZSTD(1)),
    ended UInt8,
    found DateTime64(6, 'UTC')
) ENGINE = ReplacingMergeTree(found)
ORDER BY (created, execution_id)
TTL toDateTime(found) + toIntervalDay(7) DELETE WHERE ended = 1
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS folds {on_cluster} (
    began DateTime64(6, 'UTC')
) ENGINE = MergeTree
ORDER BY began
TTL toDateTime(began) + toIntervalDay(30);

-- Without FINAL, which reads whole rows: the greatest of all rows of a segment is the same.
CREATE OR REPLACE VIEW open_segments {on_cluster} AS
SELECT created, execution_id, max(s.parent_id) AS parent_id, max(s.writer).worker_id AS worker_id, argMax(s.st.state, (s.st.terminal, s.st.sequence)) AS state
FROM executions_state AS s
WHERE (created, execution_id) IN (
    SELECT created, execution_id FROM open_known FINAL WHERE ended = 0
    UNION ALL
    SELECT created, execution_id FROM executions_state
    WHERE received > (SELECT max(began) FROM folds) - toIntervalMinute(2))
GROUP BY created, execution_id
HAVING max(st.terminal) = 0
