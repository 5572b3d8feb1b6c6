-- What the caches of models saved, in US dollars: tokens read from a cache at what they would have cost as input, less what they did
-- cost, less what writing them cost more than input. By the latest synced version of the prices, without what these add for long
-- calls or by the hour; NULL for a model whose prices the store does not know.
WITH (SELECT argMax(version, synced_at) FROM price_versions FINAL) AS latest_version
SELECT
    provider, model, sum(u.cache_read_tokens) AS cache_read_tokens, sum(u.cache_write_tokens) AS cache_write_tokens,
    sum(u.cache_read_tokens) / nullIf(sum(u.input_tokens), 0) AS cached,
    sum(u.cache_read_tokens * (p.input - ifNull(p.cache_read, p.input)) - u.cache_write_tokens * (ifNull(p.cache_write, p.input) - p.input)) / 1000000 AS saved,
    toFloat64(sum(u.cost)) AS spent, max(p.price_version) AS price_version
FROM (
    SELECT * FROM usage_hourly FINAL
    WHERE hour >= toStartOfHour({from:DateTime64(3, 'UTC')}) AND hour <= {to:DateTime64(3, 'UTC')}
      AND currency IN ('USD', '')
      AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
      AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow))
      AND (empty({agent:Array(String)}) OR has({agent:Array(String)}, agent))
      AND (empty({model:Array(String)}) OR has({model:Array(String)}, model))
) AS u
LEFT JOIN (
    SELECT
        toString(m.provider) AS of_provider, m.model AS of_model, greatest(m.since, r.since) AS valid_since, least(m.until, r.until) AS valid_until,
        toFloat64(r.input) AS input, toFloat64(r.cache_read) AS cache_read, toFloat64(r.cache_write) AS cache_write,
        toString(m.price_version) AS price_version
    FROM (SELECT * FROM model_prices FINAL WHERE version = latest_version) AS m
    INNER JOIN (SELECT * FROM prices FINAL) AS r ON r.version = m.price_version AND r.listing = m.listing
    WHERE valid_since < valid_until AND r.currency = 'USD'
    ORDER BY r.above, r.day_from
    LIMIT 1 BY of_provider, of_model, valid_since
) AS p ON toString(u.provider) = p.of_provider AND toString(u.model) = p.of_model
    AND toDateTime64(u.hour, 6, 'UTC') >= p.valid_since AND toDateTime64(u.hour, 6, 'UTC') < p.valid_until
GROUP BY provider, model
HAVING cache_read_tokens + cache_write_tokens > 0
ORDER BY saved DESC NULLS LAST, cache_read_tokens DESC, provider, model
LIMIT 100
