-- Segments of the runs that are asked for (root: by their ids with commas between), and of all that share a durable key with one of
-- them: who of these belongs to it, the join of pauses and resumes says. Nothing that was made before `since`.
-- A view of its own, without FINAL, so that few columns say which few rows are to be read and merged.
CREATE OR REPLACE VIEW asked_segments_of {on_cluster} AS
WITH arrayConcat(splitByChar(',', {root:String}), (
    SELECT groupArray(execution_id) FROM keyed_segments
    WHERE resume_key IN (SELECT resume_key FROM keyed_segments WHERE has(splitByChar(',', {root:String}), execution_id)))) AS roots
SELECT created, execution_id
FROM executions_state
WHERE (created >= {since:DateTime64(3, 'UTC')} OR created = toDateTime64(0, 3, 'UTC'))
  AND (root_id IN (SELECT arrayJoin(roots)) OR execution_id IN (SELECT arrayJoin(roots)))
