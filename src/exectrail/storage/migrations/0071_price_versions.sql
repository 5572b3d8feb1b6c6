-- One row per version of the prices. A sync appends one and never changes one: what was worked out from it can be worked
-- out again. source: genai-prices (the public list) or user (a price file over the version `base`).
-- `matching` is JSON: how names of providers and models find their listing (exectrail.pricing.book writes and reads it).
-- `fingerprint` tells whether the same version was given other prices.
CREATE TABLE IF NOT EXISTS price_versions {on_cluster} (
    version String,
    source LowCardinality(String),
    base String,
    listings UInt32,
    fingerprint String,
    matching String CODEC(ZSTD(6)),
    synced_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
) ENGINE = ReplacingMergeTree
ORDER BY version
SETTINGS default_compression_codec = 'ZSTD(1)'
