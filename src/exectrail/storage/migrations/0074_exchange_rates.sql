-- What one unit of a currency is worth in another one, from a day (UTC) on, until the next rate of the two. Only the user puts
-- rates here; without one, amounts in two currencies are never added up. Of two for the same day the later said holds.
CREATE TABLE IF NOT EXISTS exchange_rates {on_cluster} (
    currency LowCardinality(String),
    into LowCardinality(String),
    valid_from Date32,
    rate Decimal(38, 18),
    said DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
) ENGINE = ReplacingMergeTree(said)
ORDER BY (currency, into, valid_from)
SETTINGS default_compression_codec = 'ZSTD(1)'
