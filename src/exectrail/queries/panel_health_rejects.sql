-- What came and could not be used, by reason, the most frequent first.
SELECT
    reject, event, service, project, count() AS times, max(r.received) AS latest, argMax(host, r.received) AS latest_host,
    toJSONString(argMax(attributes, r.received)) AS latest_attributes
FROM rejects AS r FINAL
WHERE received >= {from:DateTime64(3, 'UTC')} AND received <= {to:DateTime64(3, 'UTC')}
  AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
GROUP BY reject, event, service, project
ORDER BY times DESC, reject, event, service, project
LIMIT 100
