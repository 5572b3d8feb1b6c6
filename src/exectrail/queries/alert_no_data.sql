-- One row while nothing reaches the store, not even the pipeline's own sign of life. value: seconds, since 1970 where there never was one.
SELECT '' AS project, '' AS environment, '' AS subject, 'pipeline silent' AS detail,
    dateDiff('millisecond', last_canary, now) / 1000 AS value
FROM pipeline
WHERE silent AND value > {threshold:Float64}
