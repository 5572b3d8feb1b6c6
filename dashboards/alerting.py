"""The alert rules that `exectrail stack` provisions, with the numbers that ship."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from exectrail.check import load_rules
from exectrail.check.grafana import provisioning

FILE: Final = Path(__file__).parents[1] / "compose/grafana/alerting/exectrail.yaml"


def text() -> str:
    """What stands in the file."""
    return provisioning(load_rules())
