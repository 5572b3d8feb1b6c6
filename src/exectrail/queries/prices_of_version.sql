-- The prices of a version, in the order of its listings.
SELECT
    version, listing, source, provider, model, since, until, day_from, day_until, above, up_to, currency,
    input, cache_read, cache_write, output, reasoning, requests, others, label
FROM prices FINAL
WHERE version = {version:String}
ORDER BY listing, since, day_from, above
