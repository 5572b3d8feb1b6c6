-- The versions of the prices, the latest first.
SELECT version, source, base, listings, fingerprint, synced_at
FROM price_versions FINAL
ORDER BY synced_at DESC, version DESC
