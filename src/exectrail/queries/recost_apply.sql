-- Append the calls whose amount a version of the prices changes, with what it says; which ones: see recost_preview.sql.
INSERT INTO usage
SELECT * EXCEPT (present_cost, present_currency, new_cost, new_currency, new_version) REPLACE (
    now64(6, 'UTC') AS recosted_at, {version:String} AS recosted_by, new_cost AS recost, new_currency AS recost_currency,
    new_version AS recost_version)
FROM calls_at_prices_of(version = {version:String}, since = {since:DateTime64(6, 'UTC')}, until = {until:DateTime64(6, 'UTC')})
WHERE new_cost IS NOT NULL AND ({over_provider:UInt8} = 1 OR cost_source != 'provider')
  AND ({only_unpriced:UInt8} = 0 OR present_cost IS NULL)
  AND (present_currency != new_currency OR ifNull(present_cost != new_cost, 1))
