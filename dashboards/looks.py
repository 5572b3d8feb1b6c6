"""What means the same on every dashboard: colours, units, columns, links."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

GREEN: Final = "#56A64B"
RED: Final = "#E02F44"
GREY: Final = "#8E8E8E"
BLUE: Final = "#3274D9"

COLOURS: Final = {
    "created": "#B8C7E0",
    "queued": "#8AB8FF",
    "running": BLUE,
    "paused": "#F2CC0C",
    "blocked": "#FF9830",
    "completed": GREEN,
    "failed": RED,
    "cancelled": GREY,
    "abandoned": "#A352CC",
    "success": GREEN,
    "partial": "#FA6400",
    "open": BLUE,
    "stuck": "#FF9830",
    "orphaned": "#FA6400",
    "overdue": "#E02F44",
    "slow": "#F2CC0C",
    "alive": GREEN,
    "silent": "#A352CC",
    "exited": GREY,
    "failed_or_abandoned": RED,
    "useful": GREEN,
    "started": "#8AB8FF",
    "ended": BLUE,
}
"""One colour per state, outcome, flag and status of a process, wherever it is shown."""

STATES: Final = (
    "created",
    "queued",
    "running",
    "paused",
    "blocked",
    "completed",
    "failed",
    "cancelled",
    "abandoned",
)
OUTCOMES: Final = ("success", "partial", "failed", "cancelled", "abandoned")

RUN: Final = "/d/exectrail-execution?${__url_time_range}&${datasource:queryparam}&var-run="
"""Leads to one run; its id comes after it."""
HOUR: Final = (
    "/d/exectrail-history?from=${__data.fields.from_ms.numeric}&to=${__data.fields.to_ms.numeric}"
    "&${datasource:queryparam}&var-project=${__data.fields.project:percentencode}"
    "&var-workflow=${__data.fields.workflow:percentencode}"
    "&var-agent=${__data.fields.agent:percentencode}"
)
"""Leads from an unusual hour to its runs."""
BAND: Final = (
    "/d/exectrail-anomalies?${__url_time_range}&${datasource:queryparam}&var-shown="
    "${__value.raw:percentencode}"
)
"""Leads from a workflow or an agent to what is usual for it."""

_UNITS: Final = {
    "ms": (
        "duration_ms work_ms wait_ms queued_ms blocked_ms waited_ms silent_ms median_ms p95_ms"
        " total_ms max_ms median p90 p95 p99 quickest_ms longest_ms"
    ),
    "s": ("canary_age_s fold_age_s baseline_age_s verdict_age_s estimated_s actual_s cpu_seconds"),
    "currencyUSD": (
        "cost total_cost spent spend wasted lost per_success estimated_cost actual_cost"
        " failed_or_abandoned useful saved"
    ),
    "percentunit": ("priced success_share surely cached lost_share change progress resource_share"),
    "bytes": (
        "memory_peak_bytes memory_most_bytes disk_read_bytes disk_write_bytes artifact_size"
        " stored_bytes bytes_per_row"
    ),
    "short": (
        "tokens input output input_tokens output_tokens cache_read_tokens cache_write_tokens calls"
        " model_calls stored_rows read_rows_most taken refused stored"
    ),
    "dateTimeAsIso": (
        "started_at ended_at state_since deadline last_event last_heartbeat latest failed_at ts"
        " hour first_heard judged_from last_received"
    ),
}
_LINKS: Final = {
    "execution_id": ("Show this run", RUN + "${__value.raw}"),
    "example": ("Show this run", RUN + "${__value.raw}"),
    "hour": ("Show the runs of this hour", HOUR),
    "subject": ("Show it beside what is usual", BAND),
}
_HIDDEN: Final = ("from_ms", "to_ms")
"""What links need and nobody reads."""
_STATES: Final = ("state", "effective_state", "outcome", "status", "previous_state")


def mappings() -> list[ValueMapping]:
    """Colours the names of states, outcomes and the like wherever they are values."""
    options = {
        name: ValueMappingResult(text=name, color=colour, index=index)
        for index, (name, colour) in enumerate(COLOURS.items())
    }
    return [ValueMap(options=options)]


def fixed(colour: str) -> DynamicConfigValue:
    """A colour that does not depend on the value."""
    return DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})


def columns(names: list[str]) -> dict[str, list[DynamicConfigValue]]:
    """How columns of a table look, by their names.

    Args:
        names: Columns; those that are nothing special get nothing but their width.
    """
    found: dict[str, list[DynamicConfigValue]] = {}
    for name in names:
        looks: list[DynamicConfigValue] = []
        for unit, of in _UNITS.items():
            if name in of.split():
                looks.append(DynamicConfigValue("unit", unit))
        if name in _LINKS:
            title, url = _LINKS[name]
            looks.append(DynamicConfigValue("links", [{"title": title, "url": url}]))
        if name in _HIDDEN:
            looks.append(DynamicConfigValue("custom.hidden", True))
        if name in _STATES:
            looks.append(
                DynamicConfigValue(
                    "custom.cellOptions", {"type": "color-background", "mode": "basic"}
                )
            )
        if name == "cost" or name.endswith("_cost"):
            looks.append(DynamicConfigValue("decimals", 4))
        if looks:
            found[name] = looks
    return found
