"""Every alert rule, asked of the known fleet and of its healthy part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exectrail import queries
from exectrail.check.rules import load_rules
from exectrail.storage.client import Client

from .fleet import healthy, three_weeks
from .fleet_alerts import ALERTS, Fires
from .fleet_runs import Fleet
from .fleet_store import load

pytestmark = pytest.mark.slow
SETTINGS = """
[cost_of_day]
threshold = 2
workflows = { relay = 1, train = 100 }
[cost_of_run]
threshold = 2
"""


@pytest.fixture(scope="module", params=["fleet", "healthy"])
def told(
    request: pytest.FixtureRequest, open_database: Callable[[str], Client]
) -> Iterator[tuple[str, Client, Fleet]]:
    make = {"fleet": three_weeks, "healthy": healthy}[request.param]
    fleet = make(datetime.now(UTC).replace(microsecond=0))
    with open_database(f"alerts_{request.param}") as store:
        load(store, fleet)
        yield request.param, store, fleet


def ask(store: Client, settings: Path) -> dict[str, Fires]:
    """What every rule fires for, by its name."""
    fired: dict[str, Fires] = {}
    for rule in load_rules(settings):
        numbers = {"threshold": rule.threshold, "window_s": rule.window_s, "least": rule.least}
        found = store.fetch(queries.alert(rule.name, own=rule.workflows, **numbers))
        assert rule.name not in fired
        fired[rule.name] = {
            (one.project, one.environment, one.subject, one.detail): one.value for one in found
        }
        assert len(fired[rule.name]) == len(found)
    return fired


def test_every_rule_fires_for_what_it_must_and_for_nothing_else(
    told: tuple[str, Client, Fleet], tmp_path: Path
) -> None:
    name, store, fleet = told
    settings = tmp_path / "alerts.toml"
    settings.write_text(SETTINGS if name == "fleet" else "")
    fired = ask(store, settings)
    unusual, predicted = fired.pop("anomaly"), fired.pop("cost_predicted")
    rules = {rule.name: rule for rule in load_rules(settings)}
    assert fired.keys() == ALERTS.keys(), "say in fleet_alerts.py what this rule fires for"
    expected = {rule: fires(rules[rule], fleet) for rule, fires in ALERTS.items()}
    approximate = {
        rule: {k: pytest.approx(v) if isinstance(v, float) else v for k, v in one.items()}
        for rule, one in expected.items()
    }
    assert fired == approximate

    if name == "healthy":
        assert {rule: found for rule, found in fired.items() if found} == {}
        assert (unusual, predicted) == ({}, {})
    else:
        # The others fire for what their fault is; this one is told of what went wrong, by name.
        assert {rule for rule, found in fired.items() if not found} == {"no_data"}
        # How much of a day is spent by now, depends on the hour; of what is over, nothing is said.
        assert predicted.keys().isdisjoint(fired["cost_of_day"])
        wrong = {detail for _, _, subject, detail in unusual if subject == "summaries"}
        assert {"cost per run", "peak memory"} <= wrong
        assert "CPU" not in wrong
        assert "invoices" not in {subject for _, _, subject, _ in unusual}
