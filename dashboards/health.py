"""Health of the pipeline itself: does what is told arrive, in time and whole?"""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Panel

from dashboards.frame import dashboard
from dashboards.looks import GREEN, RED
from dashboards.panels import coloured, series, stat, table

FILTERS = "project"


def health() -> Dashboard:
    """The dashboard."""
    return (
        dashboard(
            "health",
            "exectrail: Health",
            "Does what programs tell arrive, in time and whole?",
            FILTERS,
            since="now-6h",
            refresh="1m",
        )
        .with_panel(now())
        .with_panel(lost())
        .with_panel(delay())
        .with_panel(arrivals())
        .with_panel(dropped())
        .with_panel(rejects())
        .with_panel(late())
        .with_panel(queue())
        .with_panel(folds())
        .with_panel(collector())
        .with_panel(tables())
        .with_panel(slow())
    )


def now() -> Panel:
    """How old the latest sign of each part is."""
    made = stat(
        "Latest signs",
        "Seconds since the pipeline's own sign of life (over 20 nobody is judged), since the latest"
        " fold began (over 60 the other dashboards are behind: does the judge run?), since the"
        " judge last reckoned what is usual, and since its last verdict (which may be long ago,"
        " where nothing is wrong).",
        "panel_health_now",
        unit="s",
        span=15,
    )
    made = coloured(made, "canary_age_s", (None, GREEN), (20, RED))
    return coloured(made, "fold_age_s", (None, GREEN), (60, RED))


def lost() -> Panel:
    """How much was lost."""
    made = stat(
        "Lost",
        "rejected: events that came and could not be used. dropped: what programs could not keep."
        " Both in the time shown; the tables below say which.",
        "panel_fleet_pipeline",
        unit="short",
        span=9,
        fields="/^(rejected|dropped)$/",
    )
    for name in ("rejected", "dropped"):
        made = coloured(made, name, (None, GREEN), (1, RED))
    return made


def delay() -> Panel:
    """From event to store."""
    return series(
        "Ingest delay",
        "From when a state changed to when the store received it, by when it was received. Minutes"
        " and more: it waited on a host (in the spool, or in a collector's queue).",
        "panel_health_delay",
        unit="ms",
    ).no_value("No change of state was received in the time shown.")


def arrivals() -> Panel:
    """How much comes."""
    return series(
        "What arrives",
        "Per minute, by when it was received. What is sent again counts again.",
        "panel_health_arrivals",
        unit="cpm",
        named_by="arrived",
    ).no_value("Nothing was received in the time shown.")


def dropped() -> Panel:
    """What programs lost."""
    return table(
        "Dropped by programs",
        "What could not be kept, by program and place in its code, as its processes count it"
        " themselves. With metrics switched off there, nothing is told.",
        "panel_health_dropped",
        "service site dropped processes latest",
        span=12,
        empty="No program told that it dropped anything.",
    )


def rejects() -> Panel:
    """What the store could not use."""
    return table(
        "Could not be used",
        "Events that came under a name of ours and could not be used, by reason, with the latest"
        " example. They are kept for 30 days in `rejects`.",
        "panel_health_rejects",
        "reject event service project times latest latest_host latest_attributes",
        span=12,
        empty="All that came could be used.",
    )


def late() -> Panel:
    """Who is late."""
    return table(
        "Late, or by another clock",
        "By host and program, those that waited longest first. quickest_ms is what the clocks"
        " differ by (below 0: the sender is ahead); longest_ms far above it was kept on a host.",
        "panel_health_late",
        "service host project events quickest_ms median_ms p95_ms longest_ms last_received",
        empty="No change of state was received in the time shown.",
    )


def queue() -> Panel:
    """The collector's queues."""
    return series(
        "Collector's queues",
        "How full the queues on disk were, by kind of telemetry. At 100 % the collector refuses,"
        " and senders keep what they have: see why the database does not take it.",
        "panel_health_queue",
        unit="percentunit",
        named_by="queue",
    ).no_value("No collector told of itself: the embedded stack has none (docs/collector.md).")


def folds() -> Panel:
    """How far behind the roll-ups are."""
    return series(
        "Roll-ups behind",
        "From one fold to the next, the longest: by so much the other dashboards were behind."
        " `exectrail judge` folds every 15 s.",
        "panel_health_folds",
        unit="s",
    ).no_value("Nothing was folded in the time shown: does `exectrail judge` run?")


def collector() -> Panel:
    """What the collector says of itself."""
    made = table(
        "Collectors",
        "Taken, refused (senders keep it and try again), failed and stored in the time shown, by"
        " collector and kind of telemetry. Taken and not stored waits in the queue.",
        "panel_health_collector",
        "collector kind taken refused failures stored latest",
        empty="No collector told of itself: the embedded stack has none (docs/collector.md).",
    )
    for name in ("refused", "failures"):
        made = coloured(made, name, (None, "text"), (1, RED))
    return made


def tables() -> Panel:
    """What the store holds."""
    made = table(
        "Tables",
        "Rows, bytes on disk and parts, the largest first. Over 300 parts merges do not keep up."
        " `exectrail retention` says how long each keeps its rows.",
        "panel_health_tables",
        "table_name stored_rows stored_bytes parts_now bytes_per_row",
        span=10,
        height=10,
    )
    return coloured(made, "parts_now", (None, "text"), (300, RED))


def slow() -> Panel:
    """Which questions are slow."""
    return table(
        "Slow questions",
        "Of this data source's user, the slowest first, each kind with its slowest example.",
        "panel_health_slow",
        "times median_ms max_ms memory_most_bytes read_rows_most failures latest slowest",
        span=14,
        height=10,
        empty="The database keeps no log of queries, as the embedded stack does not; or nothing was"
        " asked in the time shown.",
    )
