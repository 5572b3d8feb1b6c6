-- What happened on durable keys of which something was resumed: what = 0 a segment resumes a pause, 1 a segment starts afresh,
-- 2 a segment pauses and stays so. run is the root of a part of a run, and '' for a run itself.
-- Parameters: those of 0055. Of all keys only those are looked at that have to do with what is asked for: the keys that its segments
-- state, and those of the runs that such segments are part of, for a part follows its run (0054).
CREATE OR REPLACE VIEW keyed_events_of {on_cluster} AS
WITH (
    SELECT groupUniqArray(resume_key)
    FROM keyed_segments
    WHERE (created >= {since:DateTime64(3, 'UTC')} - toIntervalHour(2) OR created = toDateTime64(0, 3, 'UTC') OR {root:String} != '')
      AND ({root:String} = '' OR root_id IN (SELECT root_id FROM roots_of(root = {root:String}))
          OR execution_id IN (SELECT root_id FROM roots_of(root = {root:String})))
      AND ({due:UInt8} = 0 OR (created, execution_id) IN (SELECT created, execution_id FROM judge_candidates))
) AS asked
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
        WHERE resume_key IN (SELECT resume_key FROM keyed_segments WHERE resumes = 1)
          AND resume_key IN (
              SELECT arrayJoin(asked) AS resume_key
              UNION ALL
              SELECT resume_key FROM keyed_segments
              WHERE execution_id IN (SELECT root_id FROM keyed_segments WHERE resume_key IN (SELECT arrayJoin(asked)))))
)
WHERE opened_key.resume_key != '' OR st.resume_key != ''
