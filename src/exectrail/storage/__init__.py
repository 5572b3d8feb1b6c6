"""Storage: the tables and views, and the way to them.

Enters: `migrations/*.sql`, and statements that callers hand over (`Statement`). Leaves: rows.
`client` speaks to the ClickHouse HTTP interface (a server or the embedded stack), `runner` brings
a database up to date, `commands` puts that on the command line.
May import: conventions, config, and clickhouse-connect. It does not know `queries`.
"""
