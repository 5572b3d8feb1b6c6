-- One row: what was received after it may not be written down by the latest fold (0047, 0049) and is looked at again. That is from two
-- minutes before the fold on: so long an insert may take from its stamp to its being seen. 1970 or before where nobody folds: all is.
CREATE OR REPLACE VIEW heard_since {on_cluster} AS
SELECT max(began) - toIntervalMinute(2) AS since
FROM folds
