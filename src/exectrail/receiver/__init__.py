"""The embedded stack: one process that owns a directory, takes OTLP in and answers SQL.

Enters: OTLP/HTTP requests, and the commands `up`, `down`, `status`. Leaves: rows in the otel_*
tables, shaped as the OpenTelemetry Collector's clickhouseexporter shapes them, a canary every five
seconds, the judge's verdicts, the roll-ups.
`otlp` reads and answers requests, `traces`, `logs` and `metrics` make rows of them with `values`
and `native`, `intake` ties that to the engine by one `lane` per table, `app` ties it to HTTP.
`stack` is the process, `detach` starts and stops it, `state` is what it says of itself, `report`
what others see of it, `commands` the command line.
May import: clickhouse_http, judge, rollup, storage, queries, conventions, config, guard.
"""
