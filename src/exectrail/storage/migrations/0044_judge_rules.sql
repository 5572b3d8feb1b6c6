-- One row: the numbers of the rules in `judged_of` (0056).
--
-- * stuck_after_s: how long nothing may be heard of an execution that has no baseline.
-- * baseline_runs: how many past runs make a baseline.
-- * stuck_factor, stuck_least_s: with a baseline, it may be quiet this many times as long as that, and at least so long.
-- * slow_factor, slow_least_s: likewise at work.
CREATE OR REPLACE VIEW judge_rules {on_cluster} AS
SELECT
    if(countIf(name = 'stuck_after_s') > 0, anyIf(value, name = 'stuck_after_s'), 3600.) AS stuck_after_s,
    if(countIf(name = 'baseline_runs') > 0, anyIf(value, name = 'baseline_runs'), 20.) AS baseline_runs,
    if(countIf(name = 'stuck_factor') > 0, anyIf(value, name = 'stuck_factor'), 5.) AS stuck_factor,
    if(countIf(name = 'stuck_least_s') > 0, anyIf(value, name = 'stuck_least_s'), 60.) AS stuck_least_s,
    if(countIf(name = 'slow_factor') > 0, anyIf(value, name = 'slow_factor'), 1.5) AS slow_factor,
    if(countIf(name = 'slow_least_s') > 0, anyIf(value, name = 'slow_least_s'), 10.) AS slow_least_s
FROM judge_settings FINAL
