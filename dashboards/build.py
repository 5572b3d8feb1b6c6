"""Writes dashboards and alert rules as Grafana reads them: `python -m dashboards.build [--check]`.

This alone knows what a question's `{name:Type}` parameters are in Grafana:

* `from`, `to`, `step`: macros of the data source's backend, for the time shown and the interval.
* `Array(String)`: a variable of that name. Its values come percent-encoded, each behind `v=`: no
  value, whatever is in it, can end the text that it stands in, which a quoted one can, for Grafana
  escapes quotes and not backslashes. What is empty, or stands for all, leaves no value.
* other text: a variable with one value, percent-encoded too: ids have nothing to encode, and
  anything else is no id. A question that takes a name decodes it itself. Nothing becomes a dash,
  which is nobody's id, where an empty one would stand for all.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import alerting
from dashboards.agents import agents
from dashboards.anomalies import anomalies
from dashboards.cost import cost
from dashboards.execution import execution
from dashboards.fleet import fleet
from dashboards.health import health
from dashboards.history import history

GENERATED: Final = Path(__file__).with_name("generated")
_PARAMETER: Final = re.compile(r"\{(?P<name>[a-z_]+):(?P<type>[A-Za-z0-9_(), ']+)\}")
_MACROS: Final = {"from": "$__fromTime_ms", "to": "$__toTime_ms", "step": "$__interval_s"}
_ONE: Final = {"root_id": "run", "other_id": "other", "shown": "shown"}


_MADE: Final = (fleet, history, execution, cost, agents, anomalies, health)


def sql(name: str, fixed: Mapping[str, str | int]) -> str:
    """A question with macros and variables for its parameters.

    Args:
        name: Name of its file, without `.sql`.
        fixed: Values of parameters that do not depend on what is chosen.

    Raises:
        KeyError: A parameter is none of those that are known here.
    """
    text = (resources.files("exectrail.queries") / f"{name}.sql").read_text(encoding="utf-8")
    return _PARAMETER.sub(lambda found: _filled(found["name"], found["type"], fixed), text).strip()


def _filled(name: str, kind: str, fixed: Mapping[str, str | int]) -> str:
    if name in fixed:
        return json.dumps(fixed[name]).replace('"', "'")
    if name in _MACROS:
        return _MACROS[name]
    if kind == "Array(String)":
        values = f"splitByChar('&', '${{{name}:customqueryparam:v}}')"
        chosen = f"arrayFilter(x -> startsWith(x, 'v=') AND length(x) > 2, {values})"
        return f"arrayMap(x -> decodeURLComponent(substring(x, 3)), {chosen})"
    chosen = f"'${{{_ONE[name]}:percentencode}}'"
    return f"if({chosen} = '', '-', {chosen})"


def _asked(value: Any) -> Any:
    """Puts SQL where the name of a question stands, anywhere beneath."""
    if isinstance(value, list):
        return [_asked(one) for one in value]
    if not isinstance(value, dict):
        return value
    made = {name: _asked(one) for name, one in value.items() if name != "question"}
    if "question" in value:
        made["rawSql"] = sql(value["question"]["name"], value["question"]["fixed"])
    if value.get("type") == "query" and str(value.get("query")).startswith("question:"):
        made["query"] = sql(value["query"].removeprefix("question:"), {})
        made["definition"] = made["query"]
    return made


def dashboards() -> dict[str, dict[str, Any]]:
    """Every dashboard, by its uid, as Grafana reads it."""
    made: dict[str, dict[str, Any]] = {}
    for one in _MADE:
        plain = _asked(json.loads(JSONEncoder(sort_keys=True).encode(one().build())))
        for number, panel in enumerate(plain["panels"], start=1):
            panel["id"] = number
        made[plain["uid"]] = plain
    return made


def main(arguments: list[str]) -> int:
    """Write them; with --check only say which ones are not what the code makes."""
    stale = False
    GENERATED.mkdir(exist_ok=True)
    alerting.FILE.parent.mkdir(parents=True, exist_ok=True)
    texts = {
        GENERATED / f"{uid}.json": json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False)
        + "\n"
        for uid, plain in dashboards().items()
    }
    texts[alerting.FILE] = alerting.text()
    for file, text in texts.items():
        if file.is_file() and file.read_text(encoding="utf-8") == text:
            continue
        if "--check" in arguments:
            print(f"{file.name} is not what the code makes; run: make dashboards", file=sys.stderr)
            stale = True
        else:
            file.write_text(text, encoding="utf-8")
    return int(stale)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
