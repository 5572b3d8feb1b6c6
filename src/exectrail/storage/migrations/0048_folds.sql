-- When each fold (`exectrail rollup`) began that was done, by the store's clock: up to then all is in `runs` and in the roll-ups (0090
-- to 0097), and what was open is in open_known.
CREATE TABLE IF NOT EXISTS folds {on_cluster} (
    began DateTime64(6, 'UTC')
) ENGINE = ReplacingMergeTree
ORDER BY began
TTL toDateTime(began) + toIntervalDay(30)
SETTINGS non_replicated_deduplication_window = 1000
