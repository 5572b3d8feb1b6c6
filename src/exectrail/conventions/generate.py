"""Generate `names.py`, `columns.sql` and `docs/conventions.md` from `model.yaml`.

Run `python -m exectrail.conventions.generate` to write them, with `--check` to fail on drift.
Needs PyYAML, which the development environment has and an installed exectrail does not need.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
MODEL = HERE / "model.yaml"
DOCS = HERE.parents[2] / "docs" / "conventions.md"
GENERATED = "Generated from model.yaml by exectrail.conventions.generate. Do not edit."

Model = dict[str, Any]


def constant(identifier: str, root: str) -> str:
    """Python constant for a dotted name: ours without the root, OpenTelemetry's in full."""
    return identifier.removeprefix(f"{root}.").upper().replace(".", "_")


def class_name(snake: str) -> str:
    return "".join(part.title() for part in snake.split("_"))


def python_names(model: Model) -> str:
    root = model["root"]
    lines = [
        f'"""{GENERATED}"""',
        "",
        "from __future__ import annotations",
        "",
        "from enum import StrEnum",
    ]
    lines += [
        "from typing import Final",
        "",
        f'ROOT: Final = "{root}"',
        f'SCHEMA: Final = "{model["schema"]}"',
    ]
    for name, enum in model["enums"].items():
        lines += ["", "", f"class {class_name(name)}(StrEnum):", f'    """{enum["brief"]}"""', ""]
        for value, brief in enum["values"].items():
            lines += [f'    {value.upper()} = "{value}"', f'    """{brief}"""']
    lines += ["", ""]
    for section, suffix in (("attributes", ""), ("events", "EVENT_"), ("metrics", "METRIC_")):
        lines += [f"# {section}"]
        for item in model[section]:
            lines += [f'{suffix}{constant(item["id"], root)}: Final = "{item["id"]}"']
        lines += [""]
    lines += ["# prefixes"]
    lines += [f'{item["constant"]}: Final = "{item["id"]}"' for item in model["prefixes"]]
    lines += ["", "# how severe an event is, by the words of the OpenTelemetry Logs API"]
    lines += ["EVENT_SEVERITY: Final[dict[str, str]] = {"]
    lines += [f'    "{event["id"]}": "{event["severity"]}",' for event in model["events"]]
    lines += ["}", "", "# bucket bounds of the histograms, in the unit of the metric"]
    lines += ["METRIC_BUCKETS: Final[dict[str, tuple[float, ...]]] = {"]
    for metric in model["metrics"]:
        if "buckets" in metric:
            lines += [f'    "{metric["id"]}": ({", ".join(str(b) for b in metric["buckets"])}),']
    lines += ["}", "", "METRIC_UNITS: Final[dict[str, str]] = {"]
    lines += [f'    "{metric["id"]}": "{metric["unit"]}",' for metric in model["metrics"]]
    lines += ["}", "", "METRIC_BRIEFS: Final[dict[str, str]] = {"]
    lines += [f'    "{metric["id"]}": "{metric["brief"]}",' for metric in model["metrics"]]
    lines += [
        "}",
        "",
        "# status words of other systems, lower case with underscores, and the reason they imply",
    ]
    lines += ["STATUS_STATES: Final[dict[str, State]] = {"]
    for state in model["enums"]["state"]["values"]:
        if state != "abandoned":
            lines += [f'    "{state}": State.{state.upper()},']
    for state, words in model["statuses"].items():
        lines += [f'    "{word}": State.{state.upper()},' for word in words]
    lines += ["}", "", "STATUS_REASONS: Final[dict[str, Reason]] = {"]
    lines += [f'    "{w}": Reason.{r.upper()},' for w, r in model["status_reasons"].items()]
    lines += ["}"]
    return "\n".join(lines) + "\n"


CASTS = {
    "String": "{}",
    "LowCardinality(String)": "{}",
    "UInt8": "toUInt8({} = 'true')",
    "UInt32": "toUInt32OrZero({})",
    "UInt64": "toUInt64OrZero({})",
    "Float64": "toFloat64OrZero({})",
    "Nullable(UInt8)": "if({0} = '', NULL, toUInt8({0} = 'true'))",
    "Nullable(Int32)": "toInt32OrNull({})",
    "Nullable(UInt64)": "toUInt64OrNull({})",
    "Nullable(Float64)": "toFloat64OrNull({})",
    "Nullable(Decimal(38, 12))": "toDecimal128OrNull({}, 12)",
    "Nullable(DateTime64(6, 'UTC'))": "parseDateTime64BestEffortOrNull({}, 6, 'UTC')",
}
"""How a column of a type is read from a map of strings without ever throwing."""


def extraction(attribute: Model, source: str) -> str:
    """The SQL expression that reads one attribute out of the map column `source`."""
    column = attribute["column"]
    value = f"{source}['{attribute['id']}']"
    default = column.get("default")
    if column["type"] == "UInt8" and default == 1:
        return f"toUInt8({value} != 'false')"
    expression = CASTS[column["type"]].format(value)
    return f"greatest({expression}, {default})" if default is not None else expression


def columns_sql(model: Model) -> str:
    sources = {"resource": "ResourceAttributes", "span": "SpanAttributes", "event": "LogAttributes"}
    lines = [
        f"-- {GENERATED}",
        "-- What the materialized views of storage/migrations extract, and as which type.",
    ]
    for signal, source in sources.items():
        lines += ["", f"-- {signal}"]
        for attribute in model["attributes"]:
            if signal in attribute["signals"] and "column" in attribute:
                name, kind = attribute["column"]["name"], attribute["column"]["type"]
                lines += [f"{extraction(attribute, source)} AS {name}  -- {kind}"]
    return "\n".join(lines) + "\n"


def table(header: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> list[str]:
    body = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header), *body, ""]


def markdown(model: Model) -> str:
    lines = [f"<!-- {GENERATED} -->", "# Conventions", ""]
    lines += [
        "Every attribute, event and metric that exectrail writes. Names of OpenTelemetry are used",
        "wherever it defines the thing; all others stand under the one root",
        f"`{model['root']}.`. Execution ids are never metric labels.",
        "",
        "## Attributes",
        "",
    ]
    lines += table(
        ("name", "type", "unit", "on", "column", "meaning"),
        (
            (
                f"`{a['id']}`",
                a["type"] + (f", see {a['enum']}" if "enum" in a else ""),
                a.get("unit", ""),
                ", ".join(a["signals"]),
                f"`{a['column']['name']}`" if "column" in a else "",
                a["brief"] + (" (OpenTelemetry)" if a.get("source") == "semconv" else ""),
            )
            for a in model["attributes"]
        ),
    )
    lines += table(
        ("prefix", "meaning"), ((f"`{p['id']}*`", p["brief"]) for p in model["prefixes"])
    )
    lines += [
        "## Events",
        "",
        "OTLP log records; the name stands in `EventName` and in the attribute `event.name`.",
        "",
    ]
    lines += table(
        ("name", "severity", "identity", "when"),
        (
            (f"`{e['id']}`", e["severity"], f"({e['identity']} id, sequence)", e["brief"])
            for e in model["events"]
        ),
    )
    lines += ["## Metrics", ""]
    lines += table(
        ("name", "instrument", "unit", "attributes", "meaning"),
        (
            (
                f"`{m['id']}`",
                m["instrument"],
                m["unit"],
                ", ".join(f"`{a}`" for a in m["attributes"]),
                m["brief"],
            )
            for m in model["metrics"]
        ),
    )
    lines += ["## Enumerations", ""]
    for name, enum in model["enums"].items():
        lines += [f"### {name}", "", enum["brief"], ""]
        lines += table(("value", "meaning"), ((f"`{v}`", b) for v, b in enum["values"].items()))
    lines += ["## Status words of other systems", "", "Case and separators are ignored.", ""]
    lines += table(
        ("state", "words"), ((f"`{s}`", ", ".join(w)) for s, w in model["statuses"].items())
    )
    return "\n".join(lines).rstrip() + "\n"


def outputs() -> dict[Path, str]:
    """Path and text of each generated file."""
    model = yaml.safe_load(MODEL.read_text(encoding="utf-8"))
    return {
        HERE / "names.py": python_names(model),
        HERE / "columns.sql": columns_sql(model),
        DOCS: markdown(model),
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 on drift")
    check = parser.parse_args(argv).check
    drifted = [
        path
        for path, text in outputs().items()
        if not path.exists() or path.read_text("utf-8") != text
    ]
    if check:
        for path in drifted:
            print(
                f"{path.name} is not what model.yaml says: run python -m {__spec__.name}",
                file=sys.stderr,
            )
        return 1 if drifted else 0
    for path in drifted:
        path.write_text(outputs()[path], encoding="utf-8")
        print(f"wrote {path.name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
