-- Append the re-costed calls of some time as they were told.
INSERT INTO usage
SELECT * REPLACE (
    now64(6, 'UTC') AS recosted_at, '' AS recosted_by, NULL AS recost, '' AS recost_currency, '' AS recost_version)
FROM (
    SELECT * FROM usage FINAL
    WHERE recosted_by != '' AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
)
