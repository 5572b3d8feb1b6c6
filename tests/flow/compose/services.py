"""The compose file and the files that it mounts, read once."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml

from exectrail.compose import files

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
COMPOSE = yaml.safe_load((ROOT / files.COMPOSE_FILE).read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
COLLECTOR = ROOT / ".tools" / "collector" / "otelcol-exectrail"
VARIABLE = re.compile(r"\$\{([A-Z_]+)(:[?-][^}]*)?\}")


def users() -> dict[str, ElementTree.Element]:
    found = ElementTree.parse(ROOT / "compose/clickhouse/users.xml").find("users")
    assert found is not None
    return {user.tag: user for user in found if user.get("remove") is None}
