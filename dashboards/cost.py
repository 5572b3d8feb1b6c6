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
