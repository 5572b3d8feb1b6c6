-- One row: the runs that are asked for (root: see 0061) and those with a segment that shares a durable key with one of theirs, by the ids
-- that their segments state, with commas between. Who of these belongs to them, the join of pauses and resumes says. '' where all are asked for.
CREATE OR REPLACE VIEW asked_runs_of {on_cluster} AS
WITH splitByString('..', splitByChar(',', {root:String})[1]) AS ends
SELECT arrayStringConcat(arrayConcat([{root:String}], groupUniqArray(if(empty(root_id), execution_id, root_id))), ',') AS runs
FROM keyed_segments
WHERE resume_key IN (
    SELECT resume_key FROM keyed_segments
    WHERE if(empty(root_id), execution_id, root_id) IN splitByChar(',', {root:String})
        OR (length(ends) = 2 AND if(empty(root_id), execution_id, root_id) BETWEEN ends[1] AND ends[2]))
