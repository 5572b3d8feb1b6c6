"""Anomalies: what is not as usual, and against what?"""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard, Panel
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from dashboards.frame import dashboard
from dashboards.looks import BLUE, GREY, RED, fixed
from dashboards.panels import series, table

FILTERS = "project workflow shown"
FACTOR: Final = 6
"""How many deviations make a hit, as `exectrail check` has it (docs/anomalies.md)."""
_MEASURES: Final = {
    "runs": ("Runs", "none", "Runs made in the hour."),
    "duration": ("Duration", "s", "Of a run that has ended, the mean of the hour."),
    "cost": ("Cost", "currencyUSD", "Of all runs of the hour, US dollars."),
    "cost per run": ("Cost per run", "currencyUSD", "The mean of the hour, US dollars."),
    "tokens per run": ("Tokens per run", "short", "Input and output, the mean of the hour."),
    "iterations": (
        "Iterations",
        "none",
        "Of a run that told any, the mean of the hour; of workflows only.",
    ),
    "error rate": ("Error rate", "percentunit", "Share of the ended runs that failed."),
    "abandonment rate": (
        "Abandonment rate",
        "percentunit",
        "Share of the ended runs whose process died or went silent.",
    ),
    "CPU": (
        "CPU",
        "s",
        "Of a run that ended and told it, the mean of the hour; its share, where runs had one"
        " process.",
    ),
    "peak memory": (
        "Peak memory",
        "bytes",
        "Of a run that ended and told it, the mean of the hour; of the whole process, where runs"
        " had one.",
    ),
}
"""Title, unit and meaning of each measure, by its name in the view `measures_hourly_of`."""
_RESOURCES: Final = ("CPU", "peak memory")
"""A row of their own, below the others."""


def anomalies() -> Dashboard:
    """The dashboard."""
    made = (
        dashboard(
            "anomalies",
            "exectrail: Anomalies",
            "What is not as usual, and against what?",
            FILTERS,
            since="now-24h",
            refresh="15m",
        )
        .with_panel(over_time())
        .with_panel(hits())
    )
    for measure in _MEASURES:
        made = made.with_panel(band(measure))
    return made.with_panel(young())


def over_time() -> Panel:
    """How much was unusual, and when."""
    return series(
        "Not as usual",
        "Workflows and agents that an hour was unusual for, by measure. Many at once have one"
        " cause: look at Health and at what they share.",
        "panel_anomalies_over_time",
        unit="none",
        span=24,
        height=6,
        bars=True,
        named_by="measure_name",
        factor=FACTOR,
    ).no_value("Nothing was unusual in the time shown, as far as there is history to go by.")


def hits() -> Panel:
    """What was unusual, in words."""
    return table(
        "What was not as usual",
        "The latest 200 of the hours shown: what it was, what is usual with one deviation, the"
        " hours that say so, and by how many deviations it is off (6 make a hit). The hour leads to"
        " its runs, the name to its curves below.",
        "panel_anomalies_hits",
        "hour subject measure was direction usual against times_off scope workflow agent project"
        " environment from_ms to_ms",
        height=9,
        empty="Nothing was unusual in the time shown, as far as there is history to go by: see the"
        " last table for what has too little.",
        factor=FACTOR,
    )


def band(measure: str) -> Panel:
    """One measure of what is shown, with what is usual."""
    title, unit, meaning = _MEASURES[measure]
    made = series(
        title,
        f"{meaning} Of the workflow or agent in Shown. Grey: between usual_from and usual_to an"
        " hour is as usual; no grey, too little history. Red: it is not.",
        "panel_anomalies_band",
        unit=unit,
        span=12 if measure in _RESOURCES else 6,
        height=7,
        measure=measure,
        factor=FACTOR,
    ).no_value("Nothing to show: choose a workflow or an agent in Shown, or widen the time.")
    for name in ("usual_from", "usual_to"):
        made = made.override_by_name(
            name,
            [
                fixed(GREY),
                DynamicConfigValue("custom.lineWidth", 0),
                DynamicConfigValue("custom.showPoints", "never"),
                DynamicConfigValue("custom.fillOpacity", 20 if name == "usual_to" else 0),
            ],
        )
    made = made.override_by_name(
        "usual_to", [DynamicConfigValue("custom.fillBelowTo", "usual_from")]
    ).override_by_name("measured", [fixed(BLUE)])
    return made.override_by_name(
        "unusual",
        [
            fixed(RED),
            DynamicConfigValue("custom.drawStyle", "points"),
            DynamicConfigValue("custom.pointSize", 9),
        ],
    )


def young() -> Panel:
    """What cannot be judged yet."""
    return table(
        "Too little history",
        "First heard of less than a week ago: of these nothing is said yet. Whatever the time"
        " shown.",
        "panel_anomalies_young",
        "subject scope workflow project environment first_heard days_heard all_runs judged_from",
        empty="Everything that was heard of in the latest four weeks has a week of history.",
    )
