-- Segments of the runs of that list of ids (asked_runs_of, 0051); nothing that was made before `since`.
-- A view of its own, without FINAL, so that few columns say which few rows are to be read and merged.
CREATE OR REPLACE VIEW asked_segments_of {on_cluster} AS
WITH splitByString('..', splitByChar(',', {runs:String})[1]) AS ends
SELECT created, execution_id
FROM executions_state
WHERE (created >= {since:DateTime64(3, 'UTC')} OR created = toDateTime64(0, 3, 'UTC'))
    AND (if(empty(root_id), execution_id, root_id) IN splitByChar(',', {runs:String})
        OR (length(ends) = 2 AND if(empty(root_id), execution_id, root_id) BETWEEN ends[1] AND ends[2]))
