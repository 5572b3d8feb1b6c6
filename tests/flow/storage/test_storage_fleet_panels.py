"""Every panel, variable and alert rule, asked of three weeks of a fleet of which all is known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exectrail.storage.client import Client
from exectrail.storage.runner import Runner

from .fleet import DAY, DAYS, HOUR, three_weeks
from .fleet_expected import Window
from .fleet_expected_watch import WRONG, Among
from .fleet_panels import EXPECTED
from .fleet_runs import Call, Fleet, Run, money
from .fleet_store import load
from .grafana import FRAMES, MISSING, Answer, Asked, Grafana, names_of_variables, panels, variables

HOSTILE = ["\\' OR 1=1 --", "it's", "a&v=b", "') UNION ALL SELECT 1 --", "${run}", "ünï, code"]
pytestmark = [pytest.mark.skipif(not FRAMES.is_file(), reason=MISSING), pytest.mark.slow]


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return three_weeks(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture(scope="module")
def grafana(open_database: Callable[[str], Client], fleet: Fleet) -> Iterator[Grafana]:
    with open_database("fleet") as store:
        load(store, fleet)
        yield Grafana(store)


def latest(fleet: Fleet, workflow: str, *, where: Callable[[Run], bool] = lambda run: True) -> Run:
    runs = [run for run in fleet.runs if run.workflow == workflow and run.outcome and where(run)]
    return max(runs, key=lambda run: run.made)


def look(fleet: Fleet, since: int, run: Run | None = None) -> Window:
    other = latest(fleet, "invoices")
    return Window(fleet, since, run or other, other, Grafana.interval_s)


def ask(
    grafana: Grafana, queries: Sequence[Asked], w: Window, **values: Sequence[str]
) -> list[Answer]:
    return grafana.ask(queries, w.fleet.at(w.since), w.fleet.base, values)


def differences(answer: Answer, w: Window) -> list[str]:
    """What a panel shows that it should not, in words."""
    shown = EXPECTED[answer.asked.title]
    expected = shown.values(w)
    if isinstance(expected, dict):
        found = _unlike(answer.points(), expected, partly=answer.asked.title in PARTLY)
    elif isinstance(expected, Among):
        rows = answer.rows()
        found = [f"no {row}" for row in expected.rows if not any(_holds(one, row) for one in rows)]
        expected = expected.rows
    else:
        rows = answer.rows()
        found = [f"{len(rows)} rows, not {len(expected)}"] if len(rows) != len(expected) else []
        for number, (row, wanted) in enumerate(zip(rows, expected, strict=False)):
            found += [f"row {number}, {line}" for line in _unlike(row, wanted, partly=True)]
    if expected and answer.fields != shown.fields:
        found.append(f"fields {answer.fields}")
    return found[:6]


PARTLY = {"fleet: Wait in the queue"} | {
    one.title for one in panels() if one.dashboard == "anomalies" and one.format == 0
}
"""Lines of which only some points are known."""


def _unlike(row: Mapping[Any, Any], expected: Mapping[Any, Any], *, partly: bool) -> list[str]:
    left_out = set() if partly else row.keys() - expected.keys()
    found = [f"{key}: {row.get(key)!r} instead of {value!r}" for key, value in expected.items()
             if not _like(row.get(key), value)]  # fmt: skip
    return found + [f"{key}: {row[key]!r} instead of nothing" for key in left_out]


def _holds(row: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    return all(_like(row.get(key), value) for key, value in expected.items())


def _like(value: Any, expected: Any) -> bool:
    if isinstance(expected, float) and isinstance(value, int | float):
        return value == pytest.approx(expected, rel=1e-6, abs=1e-9)
    return expected == value


def test_every_panel_has_an_expectation() -> None:
    asked = {one.title for one in [*panels(), *variables()]}
    assert sorted(asked - EXPECTED.keys()) == [], "say in fleet_panels.py what these have to show"
    assert sorted(EXPECTED.keys() - asked) == [], "no dashboard has these any more"


@pytest.mark.parametrize("since", [-6 * HOUR, -DAYS * DAY], ids=["6 hours", "21 days"])
def test_every_panel_shows_what_there_was(fleet: Fleet, grafana: Grafana, since: int) -> None:
    queries = [one for one in [*panels(), *variables()] if one.dashboard != "execution"]
    w = look(fleet, since)
    answers = ask(grafana, queries, w, shown=[WRONG])
    wrong = [f"{one.asked.title}: {line}" for one in answers for line in differences(one, w)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("workflow", ["deep-research", "train", "approval", "crawl"])
def test_every_panel_of_a_run_shows_what_it_did(
    fleet: Fleet, grafana: Grafana, workflow: str
) -> None:
    run = latest(
        fleet,
        workflow,
        where=lambda run: (
            run.outcome not in ("success", "failed") or workflow in ("deep-research", "approval")
        ),
    )
    w = look(fleet, -DAYS * DAY, run)
    queries = [one for one in panels() if one.dashboard == "execution"]
    answers = ask(grafana, queries, w, run=[run.id], other=[w.other.id])
    wrong = [f"{one.asked.title}: {line}" for one in answers for line in differences(one, w)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("picked", ["nothing", "one", "many", "hostile"])
def test_every_query_is_answered_whatever_is_chosen(
    fleet: Fleet, grafana: Grafana, picked: str
) -> None:
    run = latest(fleet, "deep-research")
    values: Mapping[str, Sequence[str]] = {
        "nothing": {},
        "one": {"workflow": ["deep-research"], "agent": ["writer"], "run": [run.id]},
        "many": {"workflow": ["invoices", "crawl"], "state": ["completed", "failed", "paused"]},
        "hostile": dict.fromkeys(names_of_variables(), HOSTILE),
    }[picked]
    queries = [*panels(), *variables()]
    answers = ask(grafana, queries, look(fleet, -DAY), **values)
    assert {a.asked.title: a.error for a in answers if a.error} == {}
    # What is drawn over time comes as time and numbers: anything else Grafana shows as a table.
    drawn = [a for a in answers if a.asked.format == 0 and a.points()]
    if picked == "hostile":
        assert [a.asked.title for a in drawn if a.asked.panel not in UNFILTERED] == []
    else:
        assert len(drawn) > 10


UNFILTERED = {"Roll-ups behind", "Collector's queues"}
"""Panels over time of the pipeline itself, that no filter is about."""


def test_an_empty_store_is_answered(open_database: Callable[[str], Client]) -> None:
    queries = [*panels(), *variables()]
    with open_database("empty") as store:
        Runner(store).apply()
        now = datetime.now(UTC)
        answers = Grafana(store).ask(queries, now - timedelta(hours=6), now)
    assert {a.asked.title: a.error for a in answers if a.error} == {}
    assert len(answers) == len(queries)


CHOICES: list[tuple[dict[str, list[str]], Callable[[Run], bool]]] = [
    ({}, lambda run: True),
    ({"workflow": ["crawl"]}, lambda run: run.workflow == "crawl"),
    ({"project": ["research"]}, lambda run: run.project == "research"),
    (
        {"workflow": ["crawl", "train"], "state": ["completed", "abandoned"]},
        lambda run: (
            run.workflow in ("crawl", "train") and run.root.state in ("completed", "abandoned")
        ),
    ),
    (
        {"agent": ["reader", "clerk"], "outcome": ["failed"], "trigger": ["schedule"]},
        lambda run: run.workflow == "invoices" and run.outcome == "failed",
    ),
    (
        {"intent": ["research", "approve"], "target": ["order"]},
        lambda run: run.workflow == "approval",
    ),
    *(({"workflow": [name]}, lambda run: False) for name in HOSTILE),
]


def test_filters_leave_what_they_name_and_what_is_hostile_matches_nothing(
    fleet: Fleet, grafana: Grafana
) -> None:
    [asked] = [one for one in panels() if one.title == "history: How many"]
    w = look(fleet, -DAYS * DAY)
    left = [ask(grafana, [asked], w, **values)[0].rows()[0]["runs"] for values, _ in CHOICES]
    assert left == [sum(fits(run) for run in fleet.runs) for _, fits in CHOICES]


def test_a_second_run_is_compared_only_where_there_is_one(fleet: Fleet, grafana: Grafana) -> None:
    run = latest(fleet, "deep-research")
    [asked] = [one for one in panels() if one.title == "execution: Compared with a second run"]
    w = look(fleet, -DAYS * DAY, run)
    for other in ([], [run.id]):
        [answer] = ask(grafana, [asked], w, run=[run.id], other=other)
        assert answer.rows() == []


def test_what_was_wasted_is_told_by_its_cause(fleet: Fleet, grafana: Grafana) -> None:
    wasted: dict[tuple[str, str], list[Call]] = defaultdict(list)
    for run, node, call in fleet.calls():
        if run.workflow == "deep-research" and node.name == "writer" and node.attempt == 1:
            wasted["retried", run.workflow].append(call)
        elif run.root.state in ("abandoned", "failed", "cancelled"):
            wasted[run.root.state, run.workflow].append(call)
    told = grafana.store.query(
        "SELECT cause, workflow, sum(w.calls) AS calls, toFloat64(sum(w.cost)) AS cost"
        " FROM wasted_cost AS w GROUP BY cause, workflow"
    )
    found = {(row["cause"], row["workflow"]): (row["calls"], row["cost"]) for row in told}
    assert found == {
        key: (len(calls), pytest.approx(money(calls))) for key, calls in wasted.items()
    }
    assert {cause for cause, _ in found} == {"retried", "abandoned", "failed", "cancelled"}
