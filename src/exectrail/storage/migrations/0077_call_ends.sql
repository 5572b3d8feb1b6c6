-- All model calls: see 0076.
CREATE OR REPLACE VIEW call_ends {on_cluster} AS
SELECT * FROM call_ends_of(since = '1970-01-01 00:00:00', root = '')
