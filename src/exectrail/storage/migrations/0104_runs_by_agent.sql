-- What an agent took of the machine in a run (0091): the sum over its executions of kind agent, the highest of their peaks. As in 0103.
ALTER TABLE runs_by_agent {on_cluster}
    ADD COLUMN IF NOT EXISTS cpu_seconds Nullable(Float64) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS memory_peak_bytes Nullable(UInt64) CODEC(T64, ZSTD(1)),
    ADD COLUMN IF NOT EXISTS resource_scope LowCardinality(String)
