"""What surrounds the panels of every dashboard: links, variables, time."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from dashboards.looks import OUTCOMES, STATES
from dashboards.panels import SOURCE

ALL: Final = "all"
"""What stands for a variable when nothing is chosen; `build` takes it for no filter."""
_LISTS: Final = {"state": STATES, "outcome": OUTCOMES}
_QUESTIONS: Final = {
    "project": "panel_variable_projects",
    "workflow": "panel_variable_workflows",
    "agent": "panel_variable_agents",
    "model": "panel_variable_models",
    "trigger": "panel_variable_triggers",
    "intent": "panel_variable_intents",
    "target": "panel_variable_targets",
    "shown": "panel_variable_subjects",
}
_SINGLE: Final = ("shown",)
"""Variables of which one value is always chosen: the first, where nobody chose."""


def dashboard(
    uid: str, title: str, description: str, filters: str, *, since: str, refresh: str
) -> build.Dashboard:
    """A dashboard without panels.

    Args:
        uid: Its uid without `exectrail-`; it never changes, for links name it.
        title: In Grafana.
        description: The question it answers.
        filters: Names of its variables.
        since: Where the time shown begins.
        refresh: How often it asks again; empty for never.
    """
    made = (
        build.Dashboard(title)
        .uid(f"exectrail-{uid}")
        .description(description)
        .tags(["exectrail"])
        .timezone("browser")
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .time(since, "now")
        .refresh(refresh)
        .link(
            build.DashboardLink("exectrail")
            .type(DashboardLinkType.DASHBOARDS)
            .tags(["exectrail"])
            .keep_time(True)
            .include_vars(True)
        )
        .with_variable(
            build.DatasourceVariable("datasource")
            .label("Data source")
            .type("grafana-clickhouse-datasource")
            .current(VariableOption(text="exectrail", value="exectrail", selected=True))
        )
    )
    for name in filters.split():
        made = made.with_variable(_variable(name))
    return made


def leads_to(uid: str) -> build.DashboardLink:
    """A link from a panel to another dashboard, with the time shown.

    Args:
        uid: Its uid without `exectrail-`.
    """
    return (
        build.DashboardLink(uid.capitalize())
        .type(DashboardLinkType.LINK)
        .url(f"/d/exectrail-{uid}?${{__url_time_range}}&${{datasource:queryparam}}")
    )


def _variable(name: str) -> build.QueryVariable | build.CustomVariable:
    everything = VariableOption(text=["All"], value=["$__all"], selected=True)
    if name in _LISTS:
        return (
            build.CustomVariable(name)
            .label(name.capitalize())
            .values(",".join(_LISTS[name]))
            .multi(True)
            .include_all(True)
            .all_value(ALL)
            .current(everything)
        )
    if name in _SINGLE:
        return (
            build.QueryVariable(name)
            .label(name.capitalize())
            .datasource(SOURCE)
            .query("question:" + _QUESTIONS[name])
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(VariableSort.DISABLED)
            .allow_custom_value(True)
        )
    return (
        build.QueryVariable(name)
        .label(name.capitalize())
        .datasource(SOURCE)
        .query("question:" + _QUESTIONS[name])
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(ALL)
        .allow_custom_value(True)
        .current(everything)
    )
