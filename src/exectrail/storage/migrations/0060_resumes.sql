-- All pauses that were resumed: see 0059.
CREATE OR REPLACE VIEW resumes {on_cluster} AS
SELECT * FROM resumes_of(since = '1970-01-01 00:00:00', runs = '')
