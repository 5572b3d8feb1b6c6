-- How a version of the prices finds its listings, and how the one beneath it does.
SELECT version, base, matching
FROM price_versions FINAL
WHERE version = {version:String}
   OR version IN (SELECT base FROM price_versions FINAL WHERE version = {version:String})
