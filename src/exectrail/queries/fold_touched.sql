-- Which runs there is news of since a time, and when the latest came, by the id of the run as its parts state it. News is an event of any
-- of its parts, a verdict on one, or a re-costing.
SELECT run_id AS root_id, max(at_us) AS latest_us
FROM (
    SELECT if(empty(s.root_id), s.execution_id, s.root_id) AS run_id, toUnixTimestamp64Micro(max(s.received)) AS at_us
    FROM executions_state AS s
    WHERE received > {since:DateTime64(6, 'UTC')}
    GROUP BY run_id
    UNION ALL
    SELECT if(max(s.root_id) = '', s.execution_id, max(s.root_id)), toUnixTimestamp64Micro(max(v.time))
    FROM executions_state AS s
    INNER JOIN (SELECT segment_id, time FROM verdicts WHERE time > {since:DateTime64(6, 'UTC')}) AS v ON v.segment_id = s.execution_id
    WHERE (s.created, s.execution_id) IN (
        SELECT least(UUIDv7ToDateTime(toUUIDOrZero(segment_id), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')), segment_id
        FROM verdicts WHERE time > {since:DateTime64(6, 'UTC')})
    GROUP BY s.execution_id
    UNION ALL
    SELECT if(root_id = '', execution_id, root_id), toUnixTimestamp64Micro(recosted_at)
    FROM usage
    WHERE recosted_at > {since:DateTime64(6, 'UTC')}
)
GROUP BY run_id
ORDER BY root_id
