"""History: what ran, how did it end, and why?"""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Panel

from dashboards.frame import dashboard
from dashboards.looks import GREEN, RED
from dashboards.panels import coloured, series, stat, table

FILTERS = "project workflow agent state outcome trigger intent target"


def history() -> Dashboard:
    """The dashboard."""
    return (
        dashboard(
            "history",
            "exectrail: History",
            "What ran, how did it end, and why?",
            FILTERS,
            since="now-24h",
            refresh="1m",
        )
        .with_panel(totals())
        .with_panel(success())
        .with_panel(durations_now())
        .with_panel(cost())
        .with_panel(outcomes())
        .with_panel(durations())
        .with_panel(runs())
        .with_panel(reasons())
    )


def _total(title: str, description: str, field: str, unit: str) -> Panel:
    return stat(
        title,
        description,
        "panel_history_totals",
        unit=unit,
        span=6,
        fields=f"/^({field})$/",
        height=3,
    )


def totals() -> Panel:
    """How many runs."""
    return _total(
        "How many", "Runs made in the time shown that the filters leave.", "runs", "short"
    )


def success() -> Panel:
    """Share of successes."""
    made = _total(
        "Succeeded", "Share of those that have ended. Red under 50 %.", "success", "percentunit"
    )
    return coloured(made, "success", (None, RED), (0.5, "#F2CC0C"), (0.9, GREEN))


def durations_now() -> Panel:
    """How long they took."""
    return _total("Duration", "Of those that have ended, waits included.", "median_ms|p95_ms", "ms")


def cost() -> Panel:
    """What they cost."""
    return _total(
        "Cost",
        "Of calls with a known price, in US dollars; the Cost dashboard says which share had one.",
        "total_cost",
        "currencyUSD",
    )


def outcomes() -> Panel:
    """Outcomes over time."""
    return series(
        "Runs by outcome",
        "By when they were made; what has not ended is open.",
        "panel_history_outcomes",
        unit="short",
        bars=True,
        named_by="outcome_now",
    )


def durations() -> Panel:
    """Durations over time."""
    return series(
        "Durations",
        "Median, 90th and 99th percentile of runs that have ended, by when they were made.",
        "panel_history_durations",
        unit="ms",
    )


def runs() -> Panel:
    """The runs."""
    return table(
        "Runs",
        "The latest 500 that the filters leave. The id leads to the run.",
        "panel_history_runs",
        "started_at name workflow state outcome reason duration_ms wait_ms queued_ms"
        " agent_executions tool_calls retries errors error_type tokens cost priced trigger_source"
        " trigger_intent target project execution_id",
        height=12,
        limit=500,
    )


def reasons() -> Panel:
    """Why runs did not succeed."""
    return table(
        "Why runs did not succeed",
        "By workflow, outcome, reason and error, the most frequent first, with the latest example.",
        "panel_history_reasons",
        "workflow outcome reason error_type runs wasted latest example",
        empty="Every run that ended in the time shown succeeded.",
    )
