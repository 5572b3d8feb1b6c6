-- What is usual: of the latest 200 segments of one project, workflow, kind and name that were completed or paused durably, how
-- many there are, and the 99th percentiles of how long nothing was heard of one and of how long one was at work. The
-- judge writes it anew from time to time; how, stands in queries/baselines_due.sql.
CREATE TABLE IF NOT EXISTS baselines {on_cluster} (
    project LowCardinality(String),
    workflow LowCardinality(String),
    kind LowCardinality(String),
    name LowCardinality(String),
    runs UInt32,
    quiet_p99_s Float64,
    work_p99_s Float64,
    computed DateTime64(6, 'UTC')
) ENGINE = ReplacingMergeTree(computed)
ORDER BY (project, workflow, kind, name)
TTL toDateTime(computed) + toIntervalDay(30)
SETTINGS default_compression_codec = 'ZSTD(1)'
