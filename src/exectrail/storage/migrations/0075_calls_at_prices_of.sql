-- Each model call with its cost by a version of the prices: exactly what exectrail.pricing says of it, to the last digit that is stored.
-- Columns: those of `usage`, then present_* (what the figures use now) and new_* (by that version; NULL and '' where it has no price).
-- Parameters: version; since and until, of the time of the call, `until` excluded. Only names in `model_prices` are found, so whoever asks
-- puts them there before (`exectrail prices recost` does).
--
-- Every token is in one bucket: a part that is larger than its whole was counted beside it. A price is unknown where a
-- bucket has tokens and no price; where a count was not told that would have cost; where there are no tokens, or no cost can
-- be that high (see 0011). Products and sums are exact in 76 digits; what is beyond the twelfth decimal falls away, as when an amount arrives.
CREATE OR REPLACE VIEW calls_at_prices_of {on_cluster} AS
SELECT
    * EXCEPT (millionfold, price_currency, price_label),
    if(millionfold <= 1000000000000000, toDecimal128(millionfold / 1000000, 12), NULL) AS new_cost,
    if(new_cost IS NULL, '', price_currency) AS new_currency,
    if(new_cost IS NULL, '', price_label) AS new_version
FROM (
    SELECT
        c.* EXCEPT (all_input, uncached, all_output, reasoned, day_us),
        if(c.recosted_by = '', c.cost, c.recost) AS present_cost,
        if(c.recosted_by = '', c.currency, c.recost_currency) AS present_currency,
        multiIf(
            c.all_input + c.all_output = 0, NULL,
            NOT c.input_told AND c.input_tokens = 0 AND ifNull(p.input, 0) > 0, NULL,
            NOT c.output_told AND c.output_tokens = 0 AND ifNull(p.output, 0) > 0, NULL,
            if(c.uncached > 0, c.uncached * p.input, toDecimal256(0, 36))
            + if(c.cache_read_tokens > 0, c.cache_read_tokens * p.cache_read, toDecimal256(0, 36))
            + if(c.cache_write_tokens > 0, c.cache_write_tokens * p.cache_write, toDecimal256(0, 36))
            + if(c.all_output > c.reasoned, (c.all_output - c.reasoned) * p.output, toDecimal256(0, 36))
            + if(c.reasoned > 0, c.reasoned * p.reasoning, toDecimal256(0, 36))
            + 1000 * p.requests) AS millionfold,
        p.currency AS price_currency,
        p.label AS price_label
    FROM (
        SELECT
            *,
            input_tokens + if(cache_read_tokens + cache_write_tokens <= input_tokens, 0, cache_read_tokens + cache_write_tokens) AS all_input,
            all_input - cache_read_tokens - cache_write_tokens AS uncached,
            output_tokens + if(reasoning_tokens <= output_tokens, 0, reasoning_tokens) AS all_output,
            least(reasoning_tokens, all_output) AS reasoned,
            toUInt64(positiveModulo(toUnixTimestamp64Micro(ts), 86400000000)) AS day_us
        FROM usage FINAL
        WHERE usage_role = 'billing' AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
    ) AS c
    LEFT JOIN (
        SELECT
            m.provider AS of_provider, m.model AS of_model,
            greatest(m.since, r.since) AS valid_since, least(m.until, r.until) AS valid_until, r.day_from, r.day_until, r.above, r.up_to,
            r.currency AS currency, r.input, r.cache_read, r.cache_write, r.output, r.reasoning, r.requests, r.label
        FROM (SELECT * FROM model_prices FINAL WHERE version = {version:String}) AS m
        INNER JOIN (SELECT * FROM prices FINAL) AS r ON r.version = m.price_version AND r.listing = m.listing
        WHERE valid_since < valid_until
    ) AS p ON c.provider = p.of_provider AND c.model = p.of_model
        AND c.ts >= p.valid_since AND c.ts < p.valid_until
        AND c.day_us >= p.day_from AND c.day_us < p.day_until
        AND c.all_input > p.above AND c.all_input <= p.up_to
)
