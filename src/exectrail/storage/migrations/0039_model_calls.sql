-- One row per model call that counts: deduplicated, role 'billing'. Whoever sums money or tokens sums these.
-- `priced` says whether a cost is known; a call without one has cost NULL, never 0.
CREATE OR REPLACE VIEW model_calls {on_cluster} AS
SELECT *, cost IS NOT NULL AS priced
FROM usage FINAL
WHERE usage_role = 'billing'
