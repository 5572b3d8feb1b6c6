-- The processes of the staged runs: one for each crew, and one for each resumed run (part 1). Times as in storage_runs.sql.
-- ends: exited by itself; killed: its supervisor saw it; silent: nothing more was heard; lives: beats until now.
CREATE OR REPLACE TABLE bench.workers ENGINE = Memory AS
WITH
    (ms, x) -> lower(concat(substring(hex(ms), 1, 8), '-', substring(hex(ms), 9, 4), '-7', substring(x, 1, 3), '-b',
        substring(x, 4, 3), '-', substring(x, 7, 12))) AS uuid7
SELECT
    crew, toUInt64(0) AS run, 0 AS part,
    toInt64(min(start_ms) - 10000) AS from_ms,
    toInt64(max(start_ms + first_ms) + 500) AS to_ms,
    uuid7(toUInt64(from_ms), hex(sipHash128({seed:UInt64}, 'worker', crew))) AS worker_id,
    multiIf(any(live), 'lives', max(abandoned) = 0, 'ends', any(crew_h) % 24 = 0, 'killed', 'silent') AS fate,
    any(project_number) AS project, any(crew_h) AS h
FROM bench.runs
GROUP BY crew
UNION ALL
SELECT
    crew, r, 1, start_ms + first_ms + gap_ms - 1000, start_ms + duration_ms + gap_ms + 500,
    uuid7(toUInt64(start_ms + first_ms + gap_ms - 1000), hex(sipHash128({seed:UInt64}, 'resumer', r))),
    'ends', project_number, cityHash64(h, 'resumer')
FROM bench.runs
WHERE split
