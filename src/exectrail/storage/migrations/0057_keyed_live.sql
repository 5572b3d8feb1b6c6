-- Segments that have to do with a durable key of which something was resumed, and of which no fold has written that down, or of which
-- something was heard since: what key the segment was opened with and when, whether it resumes, and what key it pauses with for good.
CREATE OR REPLACE VIEW keyed_live {on_cluster} AS
SELECT
    created, execution_id, root_id,
    opened.resume_key AS opened_key,
    opened.resumes AS resumes,
    first.ts AS opened_at,
    if(st.state = 'paused', st.resume_key, '') AS paused_key,
    st.ts AS paused_at,
    deadline
FROM (
    SELECT created, execution_id, root_id, st, opened_key AS opened, first, deadline
    FROM executions_state FINAL
    WHERE (created, execution_id) IN (
        SELECT created, execution_id FROM keyed_segments
        WHERE resume_key IN (SELECT resume_key FROM keyed_segments WHERE resumes = 1)
          AND ((created, execution_id) NOT IN (SELECT created, execution_id FROM keyed_known)
              OR (created, execution_id) IN (
                  SELECT created, execution_id FROM executions_state WHERE received > (SELECT since FROM heard_since))))
)
