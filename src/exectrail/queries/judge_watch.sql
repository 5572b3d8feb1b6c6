-- When a look of the judge may find something new: who has left, whose lease has run out, when the latest word came from
-- one of those, and whether the pipeline has spoken for the last minute (as many as ten signs of life, of twelve). Cheap and rough, for it is asked often: by the table itself, not by the view that tells such things rightly.
SELECT
    countIf(gone) AS left, countIf(quiet) AS silent, maxIf(latest_us, gone OR quiet) AS latest_us,
    (SELECT least(count(), 10) FROM canary WHERE received > now64(6, 'UTC') - toIntervalSecond(62)) AS canaries
FROM (
    SELECT
        max(own_exit.sequence) > 0 OR max(seen_exit.sequence) > 0 AS gone,
        toUnixTimestamp64Micro(max(beat)) + min(delay_us) + toInt64(max(lease_s) * 1e6) < toUnixTimestamp64Micro(now64(6)) AS quiet,
        toUnixTimestamp64Micro(max(received)) AS latest_us
    FROM workers
    -- by the full hour, so that nobody's leaving this window passes for news; who has a longer lease is looked at now and then
    WHERE received > toStartOfHour(now('UTC')) - toIntervalDay(1)
    GROUP BY worker_id
)
