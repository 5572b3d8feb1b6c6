-- What has to do with durable keys of which something was resumed, where it is not written down yet or was heard again: `keyed_known`.
INSERT INTO keyed_known (created, execution_id, root_id, opened_key, resumes, opened_at, paused_key, paused_at, deadline, found)
SELECT
    created, execution_id, root_id, opened_key, resumes, opened_at, paused_key, paused_at, deadline, {found:DateTime64(6, 'UTC')}
FROM keyed_live
