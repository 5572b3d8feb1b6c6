-- All executions at every level: see 0063.
CREATE OR REPLACE VIEW execution_tree {on_cluster} AS
SELECT * FROM execution_tree_of(since = '1970-01-01 00:00:00', root = '')
