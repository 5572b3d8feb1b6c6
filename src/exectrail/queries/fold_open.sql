-- What is open now and was not known to be, and what was known to be and is not any more: `open_known`.
INSERT INTO open_known (created, execution_id, ended, found, worker_id)
SELECT created, execution_id, 0, {found:DateTime64(6, 'UTC')}, worker_id
FROM open_segments
WHERE (created, execution_id) NOT IN (SELECT created, execution_id FROM open_known FINAL WHERE ended = 0)
UNION ALL
SELECT created, execution_id, 1, {found:DateTime64(6, 'UTC')}, worker_id
FROM open_known FINAL
WHERE (created, execution_id) NOT IN (SELECT created, execution_id FROM open_segments)
  AND (ended = 0 OR (ended = 2 AND (created, execution_id) IN (
      SELECT created, execution_id FROM executions_state
      WHERE received > (SELECT since FROM heard_since) AND (created, execution_id) IN (SELECT created, execution_id FROM open_known WHERE ended = 2))))
