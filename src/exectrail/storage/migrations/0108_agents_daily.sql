-- CPU seconds and peak memory of the agents' runs of the day: see 0105.
ALTER TABLE agents_daily {on_cluster}
    ADD COLUMN IF NOT EXISTS cpu_runs UInt64 CODEC(T64, ZSTD(1)),
    ADD COLUMN IF NOT EXISTS cpu_seconds Float64 CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS memory_runs UInt64 CODEC(T64, ZSTD(1)),
    ADD COLUMN IF NOT EXISTS memory_peak_bytes Float64 CODEC(ZSTD(1))
