-- How long rows of a table are kept where somebody set it otherwise than its migration says (`exectrail retention set`);
-- days 0 is for ever. It is written down so that an upgrade sets it again after a migration that makes a table anew.
CREATE TABLE IF NOT EXISTS retention_settings {on_cluster} (
    table_name LowCardinality(String),
    days UInt32,
    said DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
) ENGINE = ReplacingMergeTree(said)
ORDER BY table_name
SETTINGS default_compression_codec = 'ZSTD(1)'
