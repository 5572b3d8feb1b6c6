-- What happened on durable keys of which something was resumed: what = 0 a segment resumes a pause, 1 a segment starts afresh,
-- 2 a segment pauses and stays so. run is the root of a part of a run, and '' for a run itself.
CREATE OR REPLACE VIEW keyed_events {on_cluster} AS
SELECT
    arrayJoin(arrayFilter(e -> e.1 != '', [
        (opened_key.resume_key, first.ts, if(opened_key.resumes = 1, 0, 1)),
        (if(st.state = 'paused', st.resume_key, ''), st.ts, 2)
    ])) AS found,
    found.1 AS key,
    found.2 AS ts,
    found.3 AS what,
    execution_id AS segment,
    deadline,
    if(root_id IN ('', execution_id), '', root_id) AS run
FROM (
    SELECT execution_id, root_id, st, opened_key, first, deadline
    FROM executions_state FINAL
    WHERE (created, execution_id) IN (
        SELECT created, execution_id FROM keyed_segments
        WHERE resume_key IN (SELECT resume_key FROM keyed_segments WHERE resumes = 1))
)
WHERE opened_key.resume_key != '' OR st.resume_key != ''
