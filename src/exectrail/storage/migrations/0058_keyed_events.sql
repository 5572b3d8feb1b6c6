-- What happened on durable keys of which something was resumed: what = 0 a segment resumes a pause, 1 a segment starts afresh,
-- 2 a segment pauses and stays so. run is the root of a part of a run, and '' for a run itself.
CREATE OR REPLACE VIEW keyed_events {on_cluster} AS
SELECT
    arrayJoin(arrayFilter(e -> e.1 != '', [(opened_key, opened_at, if(resumes = 1, 0, 1)), (paused_key, paused_at, 2)])) AS found,
    found.1 AS key,
    found.2 AS ts,
    found.3 AS what,
    execution_id AS segment,
    deadline,
    if(root_id IN ('', execution_id), '', root_id) AS run
FROM (
    SELECT execution_id, root_id, opened_key, resumes, opened_at, paused_key, paused_at, deadline
    FROM keyed_live
    UNION ALL
    SELECT execution_id, root_id, opened_key, resumes, opened_at, paused_key, paused_at, deadline
    FROM keyed_known FINAL
    WHERE (created, execution_id) NOT IN (
        SELECT created, execution_id FROM executions_state WHERE received > (SELECT since FROM heard_since))
)
WHERE opened_key != '' OR paused_key != ''
