-- All segments: see 0061.
CREATE OR REPLACE VIEW segments {on_cluster} AS
SELECT * FROM segments_of(since = '1970-01-01 00:00:00', root = '', due = 0)
