-- Which listing prices a model of a provider, as calls name them, by a version of the prices. Names are matched by the code that
-- prices calls while they are made (exectrail.pricing), so that SQL only joins. A version over another one refers to the
-- listings of both: price_version and listing are a row of `prices`, which holds from `since` to `until`.
CREATE TABLE IF NOT EXISTS model_prices {on_cluster} (
    version LowCardinality(String),
    provider LowCardinality(String),
    model String,
    since DateTime64(6, 'UTC'),
    until DateTime64(6, 'UTC'),
    price_version LowCardinality(String),
    listing UInt32
) ENGINE = ReplacingMergeTree
ORDER BY (version, provider, model, since)
SETTINGS default_compression_codec = 'ZSTD(1)'
