"""Asks what stands in dashboards/generated as Grafana asks it.

Grafana's libraries make the frames: `make grafana` builds what asks with them
(tests/grafana/frames).
The browser's part, variables in a query's text, is done here as Grafana's own formats do it.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from exectrail.storage.client import Client

ROOT = Path(__file__).parents[3]
FRAMES = ROOT / ".tools/frames/exectrail-frames"
MISSING = "make grafana has not built tests/grafana/frames (it needs Go)"
_VARIABLE = re.compile(r"\$\{(?P<name>\w+):(?P<format>percentencode|customqueryparam:v)\}")
Values = Mapping[str, Sequence[str]]


class Asked(NamedTuple):
    """A query of a panel, or of a variable where there is no panel."""

    dashboard: str
    panel: str
    number: int
    sql: str
    format: int

    @property
    def title(self) -> str:
        return f"{self.dashboard}: {self.panel}" + (f" {self.number}" if self.number else "")


def dashboards() -> dict[str, dict[str, Any]]:
    """Those of the repository, by their uids without `exectrail-`."""
    files = sorted((ROOT / "dashboards/generated").glob("exectrail-*.json"))
    return {
        file.stem.removeprefix("exectrail-"): json.loads(file.read_text(encoding="utf-8"))
        for file in files
    }


def panels() -> list[Asked]:
    """Every query of every panel."""
    return [
        Asked(uid, panel["title"], number, target["rawSql"], target["format"])
        for uid, made in dashboards().items()
        for panel in made["panels"]
        for number, target in enumerate(panel.get("targets", ()))
    ]


def variables() -> list[Asked]:
    """Every query that a variable's choices come from."""
    found = {
        variable["name"]: variable["query"]
        for made in dashboards().values()
        for variable in made["templating"]["list"]
        if variable["type"] == "query"
    }
    return [Asked("variable", name, 0, sql, 1) for name, sql in found.items()]


def names_of_variables() -> set[str]:
    made = dashboards().values()
    return {variable["name"] for one in made for variable in one["templating"]["list"]}


def chosen(sql: str, values: Values) -> str:
    """A query's text as the browser sends it; a variable that is not named has nothing chosen."""

    def text(found: re.Match[str]) -> str:
        picked = values.get(found["name"], [])
        encoded = [quote(value, safe="-_.~") for value in picked]
        if found["format"] == "percentencode":
            return encoded[0] if encoded else ""
        return "&".join(f"v={value}" for value in encoded)

    return _VARIABLE.sub(text, sql)


@dataclass(frozen=True)
class Answer:
    """What a panel gets."""

    asked: Asked
    error: str
    frames: list[dict[str, Any]]

    @property
    def fields(self) -> str:
        """Names of its fields with their types, an asterisk where values may be missing.

        Lines of one name, which labels tell apart, are one field here.
        """
        told = [f"{field['name']}:{field['type']}" for field in self._fields]
        short = " ".join(dict.fromkeys(told))
        return short.replace("time.Time", "time").replace("json.RawMessage", "json")

    @property
    def _fields(self) -> list[dict[str, Any]]:
        assert not self.error, f"{self.asked.title}: {self.error}"
        if not self.frames:
            return []
        [frame] = self.frames
        return frame["fields"]

    def rows(self) -> list[dict[str, Any]]:
        """The rows of a table."""
        named = {field["name"]: _plain(field) for field in self._fields}
        return [dict(zip(named, row, strict=True)) for row in zip(*named.values(), strict=True)]

    def points(self) -> dict[tuple[datetime, str], float]:
        """What is drawn over time: each value by its moment, and by its label or else its name."""
        if not self._fields or not self._fields[0]["values"]:
            return {}
        assert self.frames[0]["kind"] == "wide", f"{self.asked.title} would be shown as a table"
        moments, *lines = self._fields
        named = [("".join(line.get("labels", {}).values()) or line["name"], line) for line in lines]
        return {
            (moment, name): value
            for name, line in named
            for moment, value in zip(_plain(moments), line["values"], strict=True)
            if value is not None
        }


def _plain(field: Mapping[str, Any]) -> list[Any]:
    """The values of a field, with times as such."""
    if "time.Time" not in field["type"]:
        return field["values"]
    return [None if told is None else datetime.fromisoformat(told) for told in field["values"]]


@dataclass(frozen=True)
class Grafana:
    """What asks, and whom."""

    store: Client
    interval_s: int = 3600

    def ask(
        self,
        queries: Sequence[Asked],
        since: datetime,
        until: datetime,
        values: Values | None = None,
    ) -> list[Answer]:
        """The answers to some queries, by one process."""
        lines = [
            json.dumps(
                {
                    "refId": "A",
                    "sql": chosen(asked.sql, values or {}),
                    "from": int(since.timestamp() * 1000),
                    "to": int(until.timestamp() * 1000),
                    "interval_ms": self.interval_s * 1000,
                    "format": asked.format,
                }
            )
            for asked in queries
        ]
        done = subprocess.run(
            [FRAMES, urlsplit(self.store.address).netloc, self.store.database],
            input="\n".join(lines),
            capture_output=True,
            text=True,
            timeout=240,
            check=True,
        )
        told = [json.loads(line) for line in done.stdout.splitlines()]
        return [
            Answer(asked, answer.get("error", ""), answer["frames"])
            for asked, answer in zip(queries, told, strict=True)
        ]
