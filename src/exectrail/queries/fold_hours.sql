-- In which hours runs were made of which rows were written at or after a time, and in which hours calls were made that came in, or were
-- re-costed, after another: what the roll-ups have to be written anew for.
SELECT 'runs' AS what, toStartOfHour(toDateTime(made, 'UTC')) AS hour
FROM runs WHERE folded >= {folded:DateTime64(6, 'UTC')}
GROUP BY hour
UNION ALL
SELECT 'usage', toStartOfHour(toDateTime(ts, 'UTC')) AS hour
FROM usage WHERE received > {since:DateTime64(6, 'UTC')} OR recosted_at > {since:DateTime64(6, 'UTC')}
GROUP BY hour
