-- What was set otherwise than in `judge_rules` (0044), by the names of its columns. The judge writes what its environment says;
-- whoever wants another rule writes a row: INSERT INTO judge_settings (name, value) VALUES ('slow_factor', 3).
CREATE TABLE IF NOT EXISTS judge_settings {on_cluster} (
    name LowCardinality(String),
    value Float64,
    said DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
) ENGINE = ReplacingMergeTree(said)
ORDER BY name
SETTINGS default_compression_codec = 'ZSTD(1)'
