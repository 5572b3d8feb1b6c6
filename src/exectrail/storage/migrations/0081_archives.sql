-- What was archived: which rows went into the files of which directory, and whether they were taken out of the tables then.
-- The directory holds a manifest that says all else. Who erases a run asks here where else it may stand.
CREATE TABLE IF NOT EXISTS archives {on_cluster} (
    directory String,
    host LowCardinality(String),
    batch String,
    before DateTime64(6, 'UTC'),
    table_name LowCardinality(String),
    rows UInt64,
    dropped UInt8,
    said DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
) ENGINE = ReplacingMergeTree(said)
ORDER BY (directory, host, batch, table_name)
SETTINGS default_compression_codec = 'ZSTD(1)'
