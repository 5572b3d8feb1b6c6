"""The kinds of panels there are, with what holds for each: data source, empty state, looks."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog import builder, variants
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
)

from dashboards.looks import COLOURS, columns, fixed, mappings

SOURCE: Final = DataSourceRef(type_val="grafana-clickhouse-datasource", uid="${datasource}")
"""Which one it is, the variable says: no panel names a data source of its own."""

TIME_SERIES, TABLE, TRACES = 0, 1, 3
QUIET: Final = "No runs in the time shown. Widen it, or clear the filters above."
SUM: Final = {"mode": "normal", "group": "A"}


class Question(variants.Dataquery):
    """Asks one of `exectrail.queries`; `build` puts its SQL where its name stands.

    Attributes:
        name: Name of its file, without `.sql`.
        fixed: Values of parameters that this panel fixes.
    """

    def __init__(self, name: str, kind: int, ref: str, **fixed: str | int) -> None:
        self.name, self.kind, self.ref_id, self.fixed = name, kind, ref, fixed

    def to_json(self) -> dict[str, object]:
        """As the plugin keeps a query that was written as SQL, with the question's name for it."""
        return {
            "refId": self.ref_id,
            "datasource": SOURCE,
            "editorType": "sql",
            "question": {"name": self.name, "fixed": self.fixed},
            "queryType": {TIME_SERIES: "timeseries", TABLE: "table", TRACES: "traces"}[self.kind],
            "format": self.kind,
            "pluginVersion": "4.20.0",
        }


class Asked(builder.Builder[Question]):
    """Builder of a `Question`, as panels take it."""

    def __init__(self, name: str, kind: int, ref: str = "A", **fixed: str | int) -> None:
        self._question = Question(name, kind, ref, **fixed)

    def build(self) -> Question:
        """The question."""
        return self._question


def panel(kind: str, title: str, description: str, *, height: int, span: int) -> build.Panel:
    """A panel of any kind.

    Args:
        kind: Grafana's name of the visualisation.
        title: Above it.
        description: What it shows, and what to do about it.
        height: In rows of the grid; 8 is a third of a laptop's screen.
        span: Of the 24 columns.
    """
    return (
        build.Panel()
        .type(kind)
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .height(height)
        .span(span)
        .no_value(QUIET)
        .mappings(mappings())
    )


def thresholds(*steps: tuple[float | None, str]) -> build.ThresholdsConfig:
    """Colours from values on; the first step has none."""
    return (
        build.ThresholdsConfig()
        .mode(ThresholdsMode.ABSOLUTE)
        .steps([Threshold(value=value, color=colour) for value, colour in steps])
    )


def stat(
    title: str,
    description: str,
    question: str,
    *,
    unit: str,
    span: int,
    fields: str = "/.*/",
    height: int = 4,
    colour: str = "value",
    named: bool = True,
    **fixed_values: str | int,
) -> build.Panel:
    """Big figures: a field each, in its colour where its name has one.

    Args:
        title: Above it.
        description: What it shows.
        question: Its answer is one row.
        unit: Of all figures.
        span: Of the 24 columns.
        fields: Which columns: a regular expression in slashes.
        height: In rows of the grid.
        colour: value or background.
        named: Figures have their columns' names.
        fixed_values: Parameters of the question that are fixed.
    """
    made = panel("stat", title, description, height=height, span=span)
    for name, own in COLOURS.items():
        made = made.override_by_name(name, [fixed(own)])
    return (
        made.with_target(Asked(question, TABLE, "A", **fixed_values))
        .unit(unit)
        .thresholds(thresholds((None, "text")))
        .no_value("-")
        .options(
            {
                "reduceOptions": {"calcs": ["lastNotNull"], "fields": fields, "values": False},
                "colorMode": colour,
                "graphMode": "none",
                "textMode": "value_and_name" if named else "value",
                "justifyMode": "auto",
                "orientation": "auto",
            }
        )
    )


def series(
    title: str,
    description: str,
    question: str,
    *,
    unit: str,
    span: int = 12,
    height: int = 8,
    bars: bool = False,
    named_by: str = "",
    **fixed_values: str | int,
) -> build.Panel:
    """Lines, or stacked bars, over time; in the colour of their names where these have one.

    Args:
        title: Above it.
        description: What it shows.
        question: Its answer is time, then text, then numbers.
        unit: Of the axis.
        span: Of the 24 columns.
        height: In rows of the grid.
        bars: Stacked bars.
        named_by: The column of text that lines are named by alone; else the number's name, too.
        fixed_values: Parameters of the question that are fixed.
    """
    made = panel("timeseries", title, description, height=height, span=span)
    for name, own in COLOURS.items():
        # What was long comes as "runs success": the number's name before the text.
        made = made.override_by_regexp(f"/^(.* )?{name}$/", [fixed(own)])
    return (
        made.with_target(Asked(question, TIME_SERIES, "A", **fixed_values))
        .unit(unit)
        .min(0)
        .thresholds(thresholds((None, "text")))
        .display_name(f"${{__field.labels.{named_by}}}" if named_by else "")
        .custom(
            {
                "drawStyle": "bars" if bars else "line",
                "fillOpacity": 80 if bars else 8,
                "lineWidth": 1 if bars else 2,
                "stacking": SUM if bars else {"mode": "none"},
                "showPoints": "auto",
                "spanNulls": False,
            }
        )
        .options(
            {
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                "tooltip": {"mode": "multi", "sort": "desc"},
            }
        )
    )


def table(
    title: str,
    description: str,
    question: str,
    shown: str,
    *,
    span: int = 24,
    height: int = 8,
    empty: str = QUIET,
    **fixed_values: str | int,
) -> build.Panel:
    """Rows.

    Args:
        title: Above it.
        description: What it shows.
        question: Its answer.
        shown: Its columns, which looks are chosen for by their names.
        span: Of the 24 columns.
        height: In rows of the grid.
        empty: What it says without any row.
        fixed_values: Parameters of the question that are fixed.
    """
    made = panel("table", title, description, height=height, span=span)
    for name, looks in columns(shown.split()).items():
        made = made.override_by_name(name, looks)
    return (
        made.with_target(Asked(question, TABLE, "A", **fixed_values))
        .unit("none")
        .no_value(empty)
        .thresholds(thresholds((None, "text")))
        .custom({"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True})
        .options({"showHeader": True, "cellHeight": "sm", "footer": {"show": False, "reducer": []}})
    )


def coloured(made: build.Panel, name: str, *steps: tuple[float | None, str]) -> build.Panel:
    """Gives one figure colours from values on.

    Args:
        made: The panel.
        name: The figure's column.
        steps: See `thresholds`.
    """
    values = [{"value": value, "color": colour} for value, colour in steps]
    return made.override_by_name(
        name,
        [
            DynamicConfigValue("color", {"mode": "thresholds"}),
            DynamicConfigValue("thresholds", {"mode": "absolute", "steps": values}),
        ],
    )
