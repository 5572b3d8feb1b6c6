-- How the pipeline is at this moment: ages in seconds, NULL where there never was one.
SELECT
    if(last_canary = toDateTime64(0, 6, 'UTC'), NULL, dateDiff('millisecond', last_canary, now) / 1000) AS canary_age_s,
    (SELECT if(count() = 0, NULL, dateDiff('millisecond', max(began), now64(6, 'UTC')) / 1000) FROM folds) AS fold_age_s,
    -- the judge reckons what is usual from time to time, whether or not it has anything to say
    (SELECT if(count() = 0, NULL, dateDiff('second', max(computed), now64(6, 'UTC'))) FROM baselines) AS baseline_age_s,
    (SELECT if(count() = 0, NULL, dateDiff('second', max(time), now64(6, 'UTC'))) FROM verdicts) AS verdict_age_s
FROM pipeline
