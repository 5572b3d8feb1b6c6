-- All segments that have told no end, but for the settled ones: see 0053.
CREATE OR REPLACE VIEW open_segments {on_cluster} AS
SELECT * FROM open_segments_of(since = '1970-01-01 00:00:00', runs = '')
