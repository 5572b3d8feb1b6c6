-- One row: does what is sent reach the store? The canary is written every 5 s through the same path; more than 20 s
-- without one is silence, and then nobody is judged. `streak_start` is the first canary after the latest silence or start of
-- the pipeline (of the last day): every worker has one lease from there to be heard again.
CREATE OR REPLACE VIEW pipeline {on_cluster} AS
SELECT
    now64(6, 'UTC') AS now,
    count() = 0 OR max(received) < now64(6, 'UTC') - toIntervalSecond(20) AS silent,
    if(silent, 'unknown: pipeline silent', 'ok') AS health,
    max(received) AS last_canary,
    maxIf(received, starts = 1 OR received > previous + toIntervalSecond(20)) AS streak_start,
    if(silent, 0., dateDiff('microsecond', streak_start, now64(6, 'UTC')) / 1e6) AS streak_s
FROM (
    SELECT
        received,
        starts,
        lagInFrame(received, 1, toDateTime64(0, 6, 'UTC')) OVER (ORDER BY received ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS previous
    FROM canary
    WHERE received > now64(6, 'UTC') - toIntervalDay(1)
)
