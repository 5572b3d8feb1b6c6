-- What the calls of some time cost by a version of the prices, whatever they cost now; currency '' is what it has no price for.
SELECT provider, model, new_currency AS currency, count() AS calls, sum(c.new_cost) AS cost
FROM calls_at_prices_of(version = {version:String}, since = {since:DateTime64(6, 'UTC')}, until = {until:DateTime64(6, 'UTC')}) AS c
GROUP BY provider, model, currency
ORDER BY provider, model, currency
