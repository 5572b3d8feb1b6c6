-- The prices of each version: for a listing (a model of a provider; in a user's file one of its prices) as many rows as its
-- prices change by date, by hour and by size of the call. The rows of a listing exclude each other: of a call, exactly one holds.
--
-- * since, until: when it holds, UTC, `until` excluded; 1900 and 2299 are always.
-- * day_from, day_until: the microseconds of the day (UTC) in which it holds, day_until excluded; 0 and 86400000000 are all day.
-- * above, up_to: input tokens of the call, the cache included; it holds for more than `above`, and not more than `up_to`.
-- * input, cache_read, cache_write, output, reasoning: for a million tokens. requests: for a thousand calls. NULL: no price.
--   Cached input that is not priced apart has the price of input, reasoning that of output, as genai-prices has it.
-- * others: what a usage event does not count (audio, images, searches, caches by age), by the name that genai-prices gives it.
--   Nothing is priced by them.
-- * label: names the price beside an amount (`price_version` of a model call).
CREATE TABLE IF NOT EXISTS prices {on_cluster} (
    version LowCardinality(String),
    listing UInt32,
    source LowCardinality(String),
    provider LowCardinality(String),
    model String,
    since DateTime64(6, 'UTC'),
    until DateTime64(6, 'UTC'),
    day_from UInt64,
    day_until UInt64,
    above Int64,
    up_to Int64,
    currency LowCardinality(String),
    input Nullable(Decimal(76, 36)),
    cache_read Nullable(Decimal(76, 36)),
    cache_write Nullable(Decimal(76, 36)),
    output Nullable(Decimal(76, 36)),
    reasoning Nullable(Decimal(76, 36)),
    requests Nullable(Decimal(76, 36)),
    others Map(String, Decimal(76, 36)),
    label LowCardinality(String)
) ENGINE = ReplacingMergeTree
ORDER BY (version, listing, since, day_from, above)
SETTINGS default_compression_codec = 'ZSTD(1)'
