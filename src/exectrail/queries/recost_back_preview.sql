-- What re-costed calls of some time cost now, and what they did as told.
SELECT
    provider, model, c.currency AS currency, if(told_cost IS NULL, c.currency, told_currency) AS new_currency,
    count() AS calls, countIf(c.priced) AS priced_calls, countIf(told_cost IS NOT NULL) AS new_priced_calls,
    countIf(ifNull(c.currency != told_currency OR c.cost != told_cost, 1)) AS changed,
    toUInt64(0) AS unknown, sum(c.cost) AS cost, sum(told_cost) AS new_cost
FROM model_calls AS c
WHERE recosted_by != '' AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
GROUP BY provider, model, currency, new_currency
ORDER BY new_cost DESC NULLS LAST, calls DESC, provider, model, currency, new_currency
