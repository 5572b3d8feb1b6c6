"""Agents: which agent does well, and which one does not?"""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Panel

from dashboards.frame import dashboard
from dashboards.panels import series, table

FILTERS = "project workflow agent"


def agents() -> Dashboard:
    """The dashboard."""
    return (
        dashboard(
            "agents",
            "exectrail: Agents",
            "Which agent does well, and which one does not?",
            FILTERS,
            since="now-7d",
            refresh="5m",
        )
        .with_panel(ranking())
        .with_panel(totals())
        .with_panel(success())
        .with_panel(durations())
        .with_panel(utilisation())
        .with_panel(errors())
    )


def ranking() -> Panel:
    """Who does best."""
    return table(
        "Ranking",
        "surely: the share of successes that an agent has at the least, at 95 % certainty; few runs"
        " prove little. Among equals the cheaper success comes first.",
        "panel_agents_ranking",
        "place agent ended_runs success_share surely p95_ms tokens_per_run per_success",
        empty="No agent has ended in the hours shown.",
    )


def totals() -> Panel:
    """What each did."""
    return table(
        "Agents and their versions",
        "In the hours shown, the most used first; a click on a column ranks by it. success_share is"
        " of the runs in which it has ended; per_success is all it cost over what it completed.",
        "panel_agents_totals",
        "agent agent_version taken_part success_share failures lost_runs retries_per_run"
        " errors_told tools median_ms p95_ms tokens_per_run spent per_success priced",
        height=10,
    )


def success() -> Panel:
    """Share of successes over time."""
    return series(
        "Success",
        "Share of the runs in which an agent completed, by when they were made. A step down at a"
        " new version is that version's.",
        "panel_agents_success",
        unit="percentunit",
    )


def durations() -> Panel:
    """Durations over time."""
    return series(
        "Duration, 95th percentile",
        "How long an agent took, by when the run was made.",
        "panel_agents_durations",
        unit="ms",
    )


def utilisation() -> Panel:
    """How busy."""
    return series(
        "At work at once",
        "Executions of an agent at work at the same time, on average, by when the run was made.",
        "panel_agents_utilisation",
        unit="short",
    )


def errors() -> Panel:
    """What they fail with."""
    return table(
        "What agents fail with",
        "By agent, version, reason and error, the most frequent first; the id leads to the latest.",
        "panel_agents_errors",
        "agent agent_version state reason error_type times latest example",
        span=12,
        empty="No agent failed in the time shown.",
    )
