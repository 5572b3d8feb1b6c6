-- One row per model call that counts: deduplicated, role 'billing'. Whoever sums money or tokens sums these.
-- `priced` says whether a cost is known; a call without one has cost NULL, never 0.
-- cost, currency, cost_source and price_version are those of the last re-costing, where there was one (docs/pricing.md); the told_
-- columns are always what the program said. recosted_by is the price version that was asked, '' for a call that stands as told.
CREATE OR REPLACE VIEW model_calls {on_cluster} AS
SELECT
    u.* EXCEPT (cost, currency, cost_source, price_version, recost, recost_currency, recost_version),
    u.cost AS told_cost,
    u.currency AS told_currency,
    u.cost_source AS told_cost_source,
    u.price_version AS told_price_version,
    if(u.recosted_by = '', u.cost, u.recost) AS cost,
    if(u.recosted_by = '', u.currency, u.recost_currency) AS currency,
    if(u.recosted_by = '', u.cost_source, 'priced') AS cost_source,
    if(u.recosted_by = '', u.price_version, u.recost_version) AS price_version,
    cost IS NOT NULL AS priced
FROM usage AS u FINAL
WHERE u.usage_role = 'billing'
