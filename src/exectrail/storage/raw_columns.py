"""What our views read of the raw tables, and how a column of another type is read in its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

MADE_BY_US = "Received"
"""A column that our raw tables have and no exporter makes: the store's clock at insert."""

_MAP = "Map(LowCardinality(String), String)"
_TEXT = r"(String|LowCardinality\(String\))"


class Kind(StrEnum):
    """What a column holds, in words for messages."""

    TIME = "time"
    TEXT = "text"
    MAP = "map of text"
    WHOLE = "whole number"
    REAL = "number"


# By kind: types and the expression that gives what a column of ours would; the first that matches.
_READINGS: Mapping[Kind, tuple[tuple[re.Pattern[str], str], ...]] = {
    # Of whatever precision and zone: the views cast to theirs, and a cast up could overflow.
    Kind.TIME: ((re.compile(r"DateTime(64)?(\(.*\))?"), "{0}"),),
    Kind.TEXT: (
        (re.compile(_TEXT), "{0}"),
        (re.compile(r".*Nullable\(String\).*"), "ifNull(toString({0}), '')"),
        (re.compile(r"FixedString\(\d+\)"), "toStringCutToZero({0})"),
        (re.compile(r"Enum(8|16)\(.*\)"), "toString({0})"),
    ),
    Kind.MAP: (
        (re.compile(re.escape(_MAP)), "{0}"),
        (re.compile(rf"Map\({_TEXT}, {_TEXT}\)"), f"CAST({{0}}, '{_MAP}')"),
    ),
    Kind.WHOLE: (
        (re.compile(r"UInt64"), "{0}"),
        (re.compile(r"U?Int(8|16|32|64)"), "toUInt64({0})"),
    ),
    Kind.REAL: (
        (re.compile(r"Float64"), "{0}"),
        (re.compile(r"Float32|U?Int(8|16|32|64)"), "toFloat64({0})"),
    ),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column that our views read.

    Attributes:
        name: Its name, the exporter's.
        kind: What it holds.
        instead: What stands in for it where it is missing; None where it may not be.
    """

    name: str
    kind: Kind
    instead: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A raw table that our views feed on.

    Attributes:
        option: The word that stands for it on the command line.
        columns: What the views read of it.
        time: The column with a row's own time.
    """

    option: str
    columns: tuple[Column, ...]
    time: str


_EMPTY = "''"
WANTED: Mapping[str, Table] = {
    "otel_traces": Table(
        "traces",
        (
            Column("Timestamp", Kind.TIME),
            Column("TraceId", Kind.TEXT),
            Column("SpanId", Kind.TEXT),
            Column("ParentSpanId", Kind.TEXT),
            Column("SpanName", Kind.TEXT),
            Column("SpanKind", Kind.TEXT, _EMPTY),
            Column("ServiceName", Kind.TEXT, _EMPTY),
            Column("ResourceAttributes", Kind.MAP),
            Column("ScopeName", Kind.TEXT, _EMPTY),
            Column("SpanAttributes", Kind.MAP),
            Column("Duration", Kind.WHOLE),
            Column("StatusCode", Kind.TEXT),
            Column("StatusMessage", Kind.TEXT, _EMPTY),
        ),
        "Timestamp",
    ),
    "otel_logs": Table(
        "logs",
        (
            Column("Timestamp", Kind.TIME),
            Column("TraceId", Kind.TEXT, _EMPTY),
            Column("SpanId", Kind.TEXT, _EMPTY),
            Column("SeverityText", Kind.TEXT, _EMPTY),
            Column("ServiceName", Kind.TEXT, _EMPTY),
            Column("Body", Kind.TEXT, _EMPTY),
            Column("ResourceAttributes", Kind.MAP),
            Column("LogAttributes", Kind.MAP),
            # Older exporters have none; our events carry their name as an attribute as well.
            Column("EventName", Kind.TEXT, _EMPTY),
        ),
        "Timestamp",
    ),
    "otel_metrics_gauge": Table(
        "gauges",
        (
            Column("MetricName", Kind.TEXT),
            Column("Attributes", Kind.MAP),
            Column("TimeUnix", Kind.TIME),
            Column("Value", Kind.REAL),
        ),
        "TimeUnix",
    ),
}


def reading(column: Column, there: str) -> str | None:
    """The expression that gives what a column of ours would, None where there is none.

    Args:
        column: Which.
        there: Its type in the table that is there, as `system.columns` says it.
    """
    for pattern, expression in _READINGS[column.kind]:
        if pattern.fullmatch(there):
            return expression.format(column.name)
    return None
