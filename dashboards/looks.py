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

COLOURS: Final = {
    "created": "#B8C7E0",
    "queued": "#8AB8FF",
    "running": "#3274D9",
    "paused": "#F2CC0C",
    "blocked": "#FF9830",
    "completed": GREEN,
    "failed": RED,
    "cancelled": GREY,
    "abandoned": "#A352CC",
    "success": GREEN,
    "partial": "#FA6400",
    "open": "#3274D9",
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
    "ended": "#3274D9",
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

_UNITS: Final = {
    "ms": (
        "duration_ms work_ms wait_ms queued_ms blocked_ms waited_ms silent_ms median_ms p95_ms"
        " total_ms max_ms median p90 p95 p99"
    ),
    "s": "canary_age_s estimated_s actual_s cpu_seconds",
    "currencyUSD": (
        "cost total_cost spent spend wasted lost per_success estimated_cost actual_cost"
        " failed_or_abandoned useful"
    ),
    "percentunit": ("priced success_share cached lost_share change progress resource_share"),
    "bytes": "memory_peak_bytes disk_read_bytes disk_write_bytes artifact_size",
    "short": "tokens input output input_tokens output_tokens cache_read_tokens calls model_calls",
    "dateTimeAsIso": (
        "started_at ended_at state_since deadline last_event last_heartbeat latest failed_at ts"
    ),
}
_IDS: Final = ("execution_id", "example")
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
        if name in _IDS:
            looks.append(
                DynamicConfigValue(
                    "links", [{"title": "Show this run", "url": RUN + "${__value.raw}"}]
                )
            )
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
