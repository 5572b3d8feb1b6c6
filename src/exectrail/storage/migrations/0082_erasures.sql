-- That something was erased, and how much: never what it was. subject_hash is the SHA-256 of the run's id or the project's
-- name, so that whoever knows it can show that it was done. rows: by table; files: rows by file of an archive.
CREATE TABLE IF NOT EXISTS erasures {on_cluster} (
    time DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC'),
    subject LowCardinality(String),
    subject_hash FixedString(64),
    rows Map(LowCardinality(String), UInt64),
    archived_rows Map(String, UInt64),
    version LowCardinality(String)
) ENGINE = MergeTree
ORDER BY time
SETTINGS default_compression_codec = 'ZSTD(1)'
