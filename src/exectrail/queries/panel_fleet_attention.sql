-- How many runs somebody should look at: abandoned in the time shown, and of those that are open the flagged ones.
SELECT
    countIf(effective_state = 'abandoned') AS abandoned,
    countIf(ended_at IS NULL AND has(flags, 'stuck')) AS stuck,
    countIf(ended_at IS NULL AND has(flags, 'orphaned')) AS orphaned,
    countIf(ended_at IS NULL AND has(flags, 'overdue')) AS overdue,
    countIf(ended_at IS NULL AND has(flags, 'slow')) AS slow
FROM runs FINAL
WHERE (ended_at IS NULL OR (effective_state = 'abandoned' AND ended_at >= {from:DateTime64(3, 'UTC')} AND ended_at <= {to:DateTime64(3, 'UTC')}))
  AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow))
