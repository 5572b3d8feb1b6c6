-- CPU seconds and peak memory of the runs (0103) of the hour that ended and told them: sums, and over how many. memory_peak_bytes is the
-- sum of their peaks, which for many runs may exceed whole numbers of 64 bits.
ALTER TABLE runs_hourly {on_cluster}
    ADD COLUMN IF NOT EXISTS cpu_runs UInt64 CODEC(T64, ZSTD(1)),
    ADD COLUMN IF NOT EXISTS cpu_seconds Float64 CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS memory_runs UInt64 CODEC(T64, ZSTD(1)),
    ADD COLUMN IF NOT EXISTS memory_peak_bytes Float64 CODEC(ZSTD(1))
