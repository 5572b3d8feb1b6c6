-- Runs {first} to {first} + {count} of {total}: when, what, and how each ends. Everything follows from the seed and the
-- number, so a run can be made alone, again, or by another process. Eight runs in a row are a crew: one worker works on
-- them. The last {open} runs are at work now; totals are multiples of eight.
--
-- outcome: what `executions` must show in the end: success, partial, failed, cancelled, abandoned; '' is at work or waits.
-- nodes: executions in the run. split: paused after its first seven and resumed by another process after gap_ms.
-- waits: paused likewise, and not resumed. Times are milliseconds since 1970.
CREATE OR REPLACE TABLE bench.runs ENGINE = Memory AS
WITH
    intDiv(number, 8) AS crew_number,
    toInt64(21 * 86400000) AS weeks,
    toInt64(800000) AS margin
SELECT
    number AS r,
    crew_number AS crew,
    cityHash64({seed:UInt64}, 'run', number) AS h,
    cityHash64({seed:UInt64}, 'crew', crew) AS crew_h,
    number >= {total:UInt64} - {open:UInt64} AS live,
    NOT live AND r % 8 = 7 AND crew_h % 12 = 0 AS abandoned,
    intDiv(h, 1000) % 1000 AS chance,
    NOT live AND NOT abandoned AND chance < 5 AS waits,
    multiIf(live OR waits, '', abandoned, 'abandoned', h % 1000 < 20, 'failed', h % 1000 < 60, 'partial',
        h % 1000 < 90, 'cancelled', 'success') AS outcome,
    toUInt32(multiIf(waits, 7, outcome = 'failed', 3, 8 + intDiv(h, 1000000) % 13)) AS nodes,
    outcome IN ('success', 'partial', 'cancelled') AND chance < 50 AS split,
    outcome != 'failed' AND intDiv(h, 100000000) % 1000 < 30 AS retried,
    intDiv(h, 100000000000) % 1000 < 50 AS queued,
    toInt64(multiIf(live, 20000 + h % 30000, abandoned, 330000,
        2000 + 300000 * pow((h % 99991) / 99991, 3))) AS duration_ms,
    toInt64(multiIf(live, {now_ms:Int64} - 60000 - duration_ms - crew_h % 1000000,
        {now_ms:Int64} - weeks + intDiv(toInt64(crew) * (weeks - margin), greatest(toInt64({total:UInt64} - {open:UInt64}) / 8, 1)))
        + (r % 8) * 5000 + h % 3000) AS start_ms,
    if(split, toInt64(least(600000 + h % 20000000, intDiv({now_ms:Int64} - start_ms - duration_ms, 2))), 0) AS gap_ms,
    if(waits OR split, intDiv(duration_ms * 7, nodes), duration_ms) AS first_ms,
    crew_h % 12 AS workflow_number,
    workflow_number % 5 AS project_number
FROM numbers({first:UInt64}, {count:UInt64})
