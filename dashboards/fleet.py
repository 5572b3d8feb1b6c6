"""Fleet: is anything wrong now, and what is it?"""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Panel

from dashboards.frame import dashboard, leads_to
from dashboards.looks import GREEN, RED
from dashboards.panels import coloured, series, stat, table

PROJECTS = "project workflow"


def fleet() -> Dashboard:
    """The dashboard."""
    return (
        dashboard(
            "fleet",
            "exectrail: Fleet",
            "Is anything wrong now, and what is it?",
            PROJECTS,
            since="now-6h",
            refresh="10s",
        )
        .with_panel(open_now())
        .with_panel(attention())
        .with_panel(rates())
        .with_panel(ill())
        .with_panel(outcomes())
        .with_panel(throughput())
        .with_panel(queue_wait())
        .with_panel(spend())
        .with_panel(waiting())
        .with_panel(workers())
        .with_panel(pipeline())
    )


def open_now() -> Panel:
    """How many runs are open."""
    return stat(
        "Open now",
        "Runs that have not ended, by state, whenever they began. As of the latest fold, at most"
        " 15 s ago.",
        "panel_fleet_open",
        unit="short",
        span=9,
    )


def attention() -> Panel:
    """How many runs somebody should look at."""
    made = stat(
        "Look at these",
        "Abandoned in the time shown; and of the open ones: stuck (alive, nothing heard for longer"
        " than usual), orphaned (nobody waits for it), overdue (past its deadline), slow. Any"
        " figure above 0 stands as a run in the list below. Nothing wrong here, and still not as it"
        " should be? The links lead to Anomalies and Health.",
        "panel_fleet_attention",
        unit="short",
        span=8,
    )
    for name in ("abandoned", "stuck", "orphaned", "overdue"):
        made = coloured(made, name, (None, GREEN), (1, RED))
    return made.links([leads_to("anomalies"), leads_to("health")])


def rates() -> Panel:
    """Shares of the outcomes."""
    made = stat(
        "Ended how",
        "Of the runs made in the time shown that have ended. Red: over 10 % abandoned, under"
        " 50 % succeeded. Failed includes those that succeeded in part.",
        "panel_fleet_rates",
        unit="percentunit",
        span=7,
    )
    made = coloured(made, "success", (None, RED), (0.5, "#F2CC0C"), (0.9, GREEN))
    return coloured(made, "abandoned", (None, GREEN), (0.1, RED))


def ill() -> Panel:
    """The runs behind `attention`."""
    return table(
        "Runs to look at",
        "What the figures above count, latest first. Abandoned: its process died or went silent;"
        " exit code, signal and last step say where. `exectrail show ID` has all the evidence.",
        "panel_fleet_ill",
        "execution_id name workflow state flagged reason last_step last_event host pid exit_code"
        " signal cost",
        empty="Nothing to look at: no run was abandoned, none is stuck, orphaned, overdue or slow.",
    )


def outcomes() -> Panel:
    """Outcomes over time."""
    return series(
        "Runs by outcome",
        "By when they were made; what has not ended is open.",
        "panel_fleet_outcomes",
        unit="short",
        bars=True,
        named_by="outcome_now",
    )


def throughput() -> Panel:
    """Begun and ended per minute."""
    return series(
        "Throughput",
        "Runs that began and that ended, per minute. More begun than ended for long: a backlog.",
        "panel_fleet_throughput",
        unit="cpm",
    )


def queue_wait() -> Panel:
    """Wait before work."""
    return series(
        "Wait in the queue",
        "How long runs waited before they were worked on: median and 95th percentile.",
        "panel_fleet_queue_wait",
        unit="ms",
    )


def spend() -> Panel:
    """Money per hour."""
    return series(
        "Spend per hour",
        "What model calls cost, as dollars per hour. Calls without a known price are not in it:"
        " the Cost dashboard says which share had one.",
        "panel_fleet_spend",
        unit="currencyUSD",
    )


def waiting() -> Panel:
    """What is paused or blocked."""
    return table(
        "Waiting",
        "Runs that wait for a person, a time or something else, the longest first.",
        "panel_fleet_waiting",
        "execution_id name workflow state reason state_since waited_ms deadline trigger_source"
        " target_id",
        span=12,
        empty="Nothing waits.",
    )


def workers() -> Panel:
    """Processes."""
    return table(
        "Processes",
        "Those heard in the latest day, silent ones first. Silent: its lease ran out without a"
        " heartbeat or an exit; what it worked on is abandoned.",
        "panel_fleet_workers",
        "status last_heartbeat silent_ms open_executions service host pid exit_code signal"
        " worker_id",
        span=12,
        empty="No process was heard for a day. Start one under `exectrail run`.",
    )


def pipeline() -> Panel:
    """Whether what is sent arrives."""
    made = stat(
        "Does what is sent arrive?",
        "canary_age_s: seconds since the pipeline's own sign of life; over 20 nobody is judged"
        " (`unknown: pipeline silent`). rejected: events that could not be used. dropped: what"
        " programs could not keep. Health, by the link, says which and where.",
        "panel_fleet_pipeline",
        unit="short",
        span=24,
        height=3,
    )
    made = coloured(made, "canary_age_s", (None, GREEN), (20, RED))
    for name in ("rejected", "dropped"):
        made = coloured(made, name, (None, GREEN), (1, RED))
    return made.links([leads_to("health")])
