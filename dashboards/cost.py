"""Cost: what did it cost, who spent it, and what was it wasted by?"""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Panel

from dashboards.frame import dashboard
from dashboards.looks import GREEN, RED
from dashboards.panels import coloured, series, stat, table

FILTERS = "project workflow agent model"
_SUMS = "key spent model_calls priced input output cached"


def cost() -> Dashboard:
    """The dashboard."""
    return (
        dashboard(
            "cost",
            "exectrail: Cost",
            "What did it cost, who spent it, and what was it wasted by?",
            FILTERS,
            since="now-7d",
            refresh="5m",
        )
        .with_panel(spent())
        .with_panel(priced())
        .with_panel(tokens())
        .with_panel(over_time("model", "Spent by model"))
        .with_panel(over_time("workflow", "Spent by workflow"))
        .with_panel(by("day", "By day"))
        .with_panel(by("model", "By model"))
        .with_panel(by("agent", "By agent"))
        .with_panel(by("workflow", "By workflow"))
        .with_panel(by("project", "By project"))
        .with_panel(unpriced())
        .with_panel(wasted())
        .with_panel(waste_by_workflow())
        .with_panel(waste_by_cause())
        .with_panel(cache())
    )


def spent() -> Panel:
    """All of it."""
    return stat(
        "Spent",
        "What model calls of the hours shown cost, in US dollars, as far as their price is known.",
        "panel_cost_totals",
        unit="currencyUSD",
        span=6,
        fields="/^spent$/",
    )


def priced() -> Panel:
    """How far that can be told, and what the cache bore."""
    made = stat(
        "Known share",
        "priced: share of calls whose price is known; below 100 % the figures here are too low."
        " cached: share of input tokens read from a cache, which cost a fraction.",
        "panel_cost_totals",
        unit="percentunit",
        span=8,
        fields="/^(priced|cached)$/",
    )
    return coloured(made, "priced", (None, RED), (0.9, "#F2CC0C"), (1, GREEN))


def tokens() -> Panel:
    """Calls and tokens."""
    return stat(
        "Calls and tokens",
        "Model calls, input tokens (cached ones too), output tokens (reasoning too).",
        "panel_cost_totals",
        unit="short",
        span=10,
        fields="/^(model_calls|input|output)$/",
    )


def over_time(what: str, title: str) -> Panel:
    """Money over time, by something."""
    return series(
        title,
        f"By hour, or longer where more is shown: the ten dearest of {what}, and all others.",
        "panel_cost_over_time",
        unit="currencyUSD",
        bars=True,
        named_by="spent_on",
        by=what,
    )


def by(what: str, title: str) -> Panel:
    """Sums by something."""
    return table(
        title,
        "The dearest first, with the share of calls whose price is known.",
        "panel_cost_by",
        _SUMS,
        span=12,
        by=what,
        empty="No model call in the time shown. Widen it, or clear the filters above.",
    )


def unpriced() -> Panel:
    """What has no price."""
    return table(
        "Without a price",
        "Models whose calls had no price: what they cost is in no figure. `exectrail prices` sets"
        " prices and costs calls again.",
        "panel_cost_unpriced",
        "provider model unpriced all_calls tokens",
        span=12,
        empty="Every call had a price.",
    )


def wasted() -> Panel:
    """Money for nothing, over time."""
    return series(
        "Spent for nothing",
        "What runs cost that failed (partly, too) or were abandoned, beside the others, by when"
        " the run was made. The filters by agent and model do not hold here.",
        "panel_cost_wasted",
        unit="currencyUSD",
    )


def waste_by_workflow() -> Panel:
    """Money for nothing, by workflow."""
    return table(
        "Spent for nothing, by workflow",
        "And what one success costs with all that failed. The filters by agent and model do not"
        " hold here.",
        "panel_cost_waste_by_workflow",
        "workflow all_runs successes spent lost lost_share per_success",
        span=12,
    )


def waste_by_cause() -> Panel:
    """Money for nothing, by cause."""
    return table(
        "Spent for nothing, by cause",
        "Each call once, under the first that holds: retried (an attempt that a later one"
        " followed), abandoned, failed, cancelled. It reads the runs themselves and takes a second"
        " or more.",
        "panel_cost_causes",
        "cause model_calls tokens wasted priced all_runs",
        span=12,
        empty="Nothing was retried, abandoned, failed or cancelled in the time shown.",
    )


def cache() -> Panel:
    """What caches saved."""
    return table(
        "Saved by caches",
        "What cached input would have cost uncached, less what it did cost to write and read. Empty"
        " where the store has no price of the model: `exectrail prices sync`, then `exectrail"
        " prices recost` (a dry run will do).",
        "panel_cost_cache",
        "provider model cache_read_tokens cache_write_tokens cached saved spent price_version",
        span=12,
        empty="No model call in the time shown read or wrote a cache.",
    )
