-- What the calls of some time cost now, and what they would by a version of the prices. A call that stays as it is counts with its present
-- cost on both sides: where the provider said the cost (unless over_provider), where it has a price and only_unpriced is asked, and
-- where the version has no price: none is taken away. `changed` counts calls whose amount would be another one, `unknown` those
-- that the version has no price for. `currency` is that of today, `new_currency` the one after; where there is a price on one side only
-- both are that one, and '' where there is none.
SELECT
    provider, model, if(present_currency = '' AND applies, c.new_currency, present_currency) AS currency,
    if(applies, c.new_currency, present_currency) AS new_currency,
    count() AS calls, countIf(present_cost IS NOT NULL) AS priced_calls,
    countIf(applies OR present_cost IS NOT NULL) AS new_priced_calls,
    countIf(applies AND (present_currency != c.new_currency OR ifNull(present_cost != c.new_cost, 1))) AS changed,
    countIf(c.new_cost IS NULL) AS unknown,
    sum(present_cost) AS cost, sum(if(applies, c.new_cost, present_cost)) AS new_cost
FROM (
    SELECT
        *,
        new_cost IS NOT NULL AND ({over_provider:UInt8} = 1 OR cost_source != 'provider')
            AND ({only_unpriced:UInt8} = 0 OR present_cost IS NULL) AS applies
    FROM calls_at_prices_of(version = {version:String}, since = {since:DateTime64(6, 'UTC')}, until = {until:DateTime64(6, 'UTC')})
) AS c
GROUP BY provider, model, currency, new_currency
ORDER BY new_cost DESC NULLS LAST, calls DESC, provider, model, currency, new_currency
