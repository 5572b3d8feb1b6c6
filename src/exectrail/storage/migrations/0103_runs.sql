-- What a run (0090) took of the machine: by the latest word of its own execution, over all its segments; the highest of their peaks. NULL: not
-- told. resource_scope: exclusive; shared, where any segment shared its process: then CPU is its share, memory that of the process.
ALTER TABLE runs {on_cluster}
    ADD COLUMN IF NOT EXISTS cpu_seconds Nullable(Float64) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS memory_peak_bytes Nullable(UInt64) CODEC(T64, ZSTD(1)),
    ADD COLUMN IF NOT EXISTS resource_scope LowCardinality(String)
