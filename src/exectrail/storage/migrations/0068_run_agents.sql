-- All runs and agents: see 0067.
CREATE OR REPLACE VIEW run_agents {on_cluster} AS
SELECT * FROM run_agents_of(since = '1970-01-01 00:00:00', root = '')
