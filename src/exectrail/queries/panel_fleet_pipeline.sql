-- Whether what is sent arrives: seconds since the pipeline's own sign of life (NULL: never heard), and what could not be used or kept.
SELECT
    if(last_canary = toDateTime64(0, 6, 'UTC'), NULL, dateDiff('millisecond', last_canary, now) / 1000) AS canary_age_s,
    (SELECT count() FROM rejects FINAL WHERE received >= {from:DateTime64(3, 'UTC')} AND received <= {to:DateTime64(3, 'UTC')}) AS rejected,
    -- a counter of each process, from when it began: its growth within the time shown
    (SELECT sum(grown) FROM (
        SELECT if(min(StartTimeUnix) >= {from:DateTime64(3, 'UTC')}, max(Value), max(Value) - min(Value)) AS grown
        FROM otel_metrics_sum
        WHERE MetricName = 'exectrail.telemetry.dropped' AND TimeUnix >= {from:DateTime64(3, 'UTC')} AND TimeUnix <= {to:DateTime64(3, 'UTC')}
        GROUP BY ResourceAttributes, Attributes, StartTimeUnix)) AS dropped
FROM pipeline
