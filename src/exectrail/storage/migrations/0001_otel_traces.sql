-- Spans as the OpenTelemetry Collector's clickhouseexporter (0.162, Map attributes) inserts them: these
-- column names and types are its, and its INSERT names them, so nothing here may be renamed or dropped.
-- One column is ours and is in no INSERT: Received, the store's own clock at the moment of insert.
--
-- What holds for all otel_* tables (0001 to 0007):
--
-- * Partition: the day of the row's own time, held between 14 days before and 1 day after Received. A row
--   dated 1970 or 2200 is kept as it is and lands in the nearest of those 16 days, so that no batch can make
--   endless partitions (one INSERT may not touch more than 100) and toDate() never sees a date it would wrap.
--   Received alone would bound the days as well, but then a batch sent again just after midnight would go to
--   another partition, where the deduplication window of the first does not look. Both columns are in the
--   partition key, so each part keeps the least and greatest of both, and either one prunes.
-- * TTL: by Received. By the row's own time, the row dated 1970 would be deleted as soon as it came, and the
--   row dated 2200 kept for ever.
-- * Deduplication: a block that is sent again within the last 1000 adds nothing. The hash is taken over what
--   was sent, before Received is filled in (ClickHouse 26.9).
-- * Large and rare columns stay here; questions about executions, cost and tokens read the typed tables that
--   views fill from these. So TraceId (the waterfall) is the one column with a skip index to look it up by.
CREATE TABLE IF NOT EXISTS otel_traces {on_cluster} (
    Timestamp DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    TraceId String CODEC(ZSTD(1)),
    SpanId String CODEC(ZSTD(1)),
    ParentSpanId String CODEC(ZSTD(1)),
    TraceState String CODEC(ZSTD(1)),
    SpanName LowCardinality(String) CODEC(ZSTD(1)),
    SpanKind LowCardinality(String) CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeName String CODEC(ZSTD(1)),
    ScopeVersion String CODEC(ZSTD(1)),
    SpanAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    Duration UInt64 CODEC(T64, ZSTD(1)),
    StatusCode LowCardinality(String) CODEC(ZSTD(1)),
    StatusMessage String CODEC(ZSTD(1)),
    Events Nested (
        Timestamp DateTime64(9, 'UTC'),
        Name LowCardinality(String),
        Attributes Map(LowCardinality(String), String)
    ) CODEC(ZSTD(1)),
    Links Nested (
        TraceId String,
        SpanId String,
        TraceState String,
        Attributes Map(LowCardinality(String), String)
    ) CODEC(ZSTD(1)),
    Received DateTime64(9, 'UTC') DEFAULT now64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1
) ENGINE = MergeTree
PARTITION BY toDate(least(greatest(Timestamp, Received - toIntervalDay(14)), Received + toIntervalDay(1)))
ORDER BY (ServiceName, SpanName, Timestamp)
TTL toDateTime(Received) + toIntervalDay(14)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000
