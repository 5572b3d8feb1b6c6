"""What is said of an alert: the words of its rule, with what was found filled in."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from urllib.parse import quote

from exectrail.check.rules import Rule
from exectrail.queries import Alert


def summary(rule: Rule, found: Alert) -> str:
    """What fires."""
    return rule.summary.format_map(asdict(found))


def command(rule: Rule, found: Alert) -> str:
    """The command, to be pasted into a shell: what is filled in cannot be more than one word."""
    return rule.look.format_map(
        {name: shlex.quote(str(value)) for name, value in asdict(found).items()}
    )


def dashboard(rule: Rule, found: Alert) -> str:
    """The address of the dashboard beneath that of Grafana: its path and what is chosen in it."""
    chosen = {name: quote(str(value), safe="") for name, value in asdict(found).items()}
    return f"/d/{rule.dashboard.format_map(chosen)}"
