-- What carried a name of ours and could not be used, latest first.
SELECT
    received, ts, event, reject, service, project, host, pid, worker_id, attributes
FROM rejects FINAL
WHERE received >= {since:DateTime64(6, 'UTC')}
ORDER BY received DESC, fingerprint
LIMIT {limit:UInt32}
