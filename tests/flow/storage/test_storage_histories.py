"""Whatever happened and however it was delivered, the views say what a plain reading of it says."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from exectrail.conventions import names
from exectrail.storage.client import Client

from .histories import LOOK, History, draw
from .processes import H, S, Weather
from .reference_model import Belief, Execution, believe
from .reference_segments import Event

HISTORIES = int(os.environ.get("EXECTRAIL_TEST_HISTORIES", "150"))
"""How many are drawn; more of them take longer and find more."""

_TOLD = "UNION ALL".join(
    f" SELECT execution_id, sequence FROM {table} "
    for table in ("transitions", "usage", "progress")
)
_MISSING = f"""SELECT execution_id, max(sequence) - uniqExact(sequence) AS missing
FROM ({_TOLD}) GROUP BY execution_id"""

PER_WORLD = 50
ORDERS = 3
Rows = dict[str, dict[str, Any]]
_VIEWS = {
    "executions": "execution_id",
    "execution_tree": "execution_id",
    "segments": "execution_id",
    "workers_alive": "worker_id",
}
_GROWING = {f"{what}_ms" for what in ("duration", "work", "wait", "queued", "blocked", "state")}
_GROWING |= {"flag_s", "seconds", "created"}
"""Columns that go on while one looks, or that, as the time in an id, no test moves."""


def _world(number: int) -> tuple[Weather, list[History]]:
    weather = Weather.draw(number)
    return weather, [draw(f"{number}.{n}", weather) for n in range(PER_WORLD)]


def _row(event: Event, received: int, base: datetime) -> dict[str, Any]:
    return {
        "Timestamp": base + timedelta(milliseconds=event.clock),
        "Received": base + timedelta(milliseconds=received),
        "EventName": event.what,
        "LogAttributes": {names.EVENT_NAME: event.what} | dict(event.about),
        "ResourceAttributes": {
            names.SERVICE_NAME: "svc",
            names.HOST_NAME: "box",
            names.PROCESS_PID: "7",
            names.WORKER_ID: event.worker,
            names.WORKER_LEASE: str(event.lease / S),
        },
    }


def _deliveries(events: list[Event], chance: random.Random) -> list[tuple[Event, int]]:
    """What the store is given and when it says that it got it: each event, some of them often."""
    first = [(event, event.received) for event in events]
    again = [
        (e, chance.randint(at, -1))
        for e, at in first
        for _ in range(chance.choice((0, 0, 0, 1, 2)))
    ]
    return first + again


def _cut(rows: list[Any], chance: random.Random) -> Iterator[list[Any]]:
    cuts = sorted({0, len(rows), *(chance.randrange(len(rows)) for _ in range(12))})
    for start, end in pairwise(cuts):
        yield rows[start:end]


def _look(
    store: Client, deliveries: list[tuple[Event, int]], weather: Weather, chance: random.Random
) -> dict[str, Rows]:
    """What the views say after a delivery in some order and batches; times as ms from `base`."""
    for table in store.query(
        "SELECT name FROM system.tables WHERE database = {database:String}"
        " AND engine LIKE '%MergeTree' AND name != 'exectrail_migrations'",
        {"database": store.database},
    ):
        store.command(f"TRUNCATE TABLE {table['name']}")
    chance.shuffle(deliveries)
    base = datetime.now(UTC).replace(microsecond=0)
    for batch in _cut(deliveries, chance):
        store.insert("otel_logs", [_row(event, at, base) for event, at in batch])
    store.insert("otel_metrics_gauge", _canary(weather, base))
    found = {
        view: {row[key]: row for row in store.query(f"SELECT * FROM {view}")}
        for view, key in _VIEWS.items()
    }
    found["missing"] = {row["execution_id"]: row for row in store.query(_MISSING)}
    return {
        view: {i: {c: _since(v, base) for c, v in row.items()} for i, row in rows.items()}
        for view, rows in found.items()
    }


def _since(value: Any, base: datetime) -> Any:
    """A value of a view with its times as milliseconds from `base`; sets of moves in an order."""
    if isinstance(value, datetime):
        return (value - base) / timedelta(milliseconds=1) if value.year > 1970 else None
    if isinstance(value, dict):
        return {name: _since(part, base) for name, part in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return sorted((_since(part, base) for part in value), key=str)
    return value


def _canary(weather: Weather, base: datetime) -> list[dict[str, Any]]:
    """The pipeline's signs of life; where it lives, it goes on to do so while the test looks."""
    sung = (at for at in range(-2 * H, H, 5 * S))
    out = weather.out[0], (2 * H if weather.pipeline.silent else weather.out[1])
    return [
        {"MetricName": names.METRIC_PIPELINE_CANARY, "TimeUnix": at, "Received": at, "Value": 1.0}
        for ms in sung
        if not out[0] <= ms < out[1]
        for at in [base + timedelta(milliseconds=ms)]
    ]


def _plain(view: str, believed: Belief) -> Rows:
    """The model's answers in the words of a view's columns."""
    match view:
        case "workers_alive":
            return {
                i: {"status": w.status, "exit_code": w.exit_code, "signal": w.signal}
                for i, w in believed.workers.items()
            }
        case "segments":
            return {
                i: {
                    "node_id": s.first,
                    "position": s.position,
                    "resumed_id": s.resumed,
                    "forked_from": s.forked_from,
                    "state": s.state,
                    "effective_state": s.effective_state,
                    "reason": s.reason,
                    "abandoned": int(s.effective_state == "abandoned"),
                }
                for i, s in believed.segments.items()
            }
        case "missing":
            return {i: {"missing": s.missing} for i, s in believed.segments.items()}
        case "execution_tree":
            return {i: _of_execution(e) for i, e in believed.executions.items()}
        case _:
            return {
                i: _of_execution(r.root)
                | {k: v for k, v in asdict(r).items() if k not in ("root", "missing")}
                for i, r in believed.runs.items()
            }


def _of_execution(execution: Execution) -> dict[str, Any]:
    columns = asdict(execution)
    for left_out in ("execution_id", "missing", "spent", "closed"):
        del columns[left_out]
    return columns


def _differences(found: dict[str, Rows], believed: Belief) -> dict[str, str]:
    """What the views say otherwise than the model, by id."""
    wrong: dict[str, str] = {}
    for view in found:
        expected = _plain(view, believed)
        for i in expected.keys() | found[view].keys():
            want, row = expected.get(i), found[view].get(i)
            if want is None or row is None:
                wrong[i] = f"{view}: {'missing' if row is None else 'not known to the model'}"
                continue
            got = {column: row[column] for column in want if column in row}
            want = {column: want[column] for column in got}
            if got != want:
                told = {c: (want[c], got[c]) for c in want if want[c] != got[c]}
                wrong.setdefault(i, f"{view} (believed, found): {told}")
    return wrong


def _wrong_times(
    found: dict[str, Rows], believed: Belief, histories: list[History]
) -> dict[str, str]:
    """Times that the views tell otherwise.

    What the promptest event of a process took on its way cannot be known, nor how its clock drifts.
    Where a clock was set, no time on it is one.
    """
    one = {p.id: p for history in histories for p in history.processes}
    late = {i: min(e.received - e.sent for e in p.events) for i, p in one.items() if p.events}

    wrong: dict[str, str] = {}
    for i, execution in believed.executions.items():
        workers = [one[believed.segments[s].events[0].worker] for s in execution.segments]
        if not execution.closed and any(w.set_back for w in workers):
            continue
        row = found["execution_tree"][i]
        still = execution.outcome == ""
        loose = 0 if execution.closed else 5 * S + late[workers[-1].id] * still + LOOK * still
        got = {bucket: row[f"{bucket}_ms"] for bucket in execution.spent}
        if any(abs(got[b] - execution.spent[b]) > loose for b in got):
            wrong[i] = f"times (believed, found): {execution.spent} {got}"
    for i, fate in believed.workers.items():
        off = found["workers_alive"][i]["last_heartbeat"] - fate.heard
        if not one[i].set_back and not -5 * S <= off <= late[i] + 5 * S:
            wrong[i] = f"last heartbeat {off} ms off, of which {late[i]} are its delay"
    return wrong


def _explain(wrong: dict[str, str], histories: list[History]) -> str:
    told: list[str] = []
    for history in histories:
        about = {p.id for p in history.processes} | {
            e.get(names.EXECUTION_ID) for e in history.events
        }
        mine = {i: what for i, what in wrong.items() if i in about}
        if mine:
            told.append("\n".join([*(f"{i}: {w}" for i, w in mine.items()), str(history)]))
    return f"{len(told)} histories\n" + "\n\n".join(sorted(told, key=len)[:3])


@pytest.mark.parametrize("number", range(max(1, HISTORIES // PER_WORLD)))
def test_views_agree_with_the_model_in_every_order_of_delivery(number: int, store: Client) -> None:
    weather, histories = _world(number)
    events = [event for history in histories for event in history.events]
    believed = believe(events, weather.pipeline)
    chance = random.Random(number)
    deliveries = _deliveries(events, chance)
    looks: list[dict[str, Rows]] = []
    for _ in range(ORDERS):
        looks.append(_look(store, deliveries, weather, chance))
        wrong = _differences(looks[-1], believed)
        assert not wrong, _explain(wrong, histories)
        wrong = _wrong_times(looks[-1], believed, histories)
        assert not wrong, _explain(wrong, histories)
        assert store.query("SELECT count() AS n FROM rejects FINAL") == [{"n": 0}]
    first = _settled(looks[0])
    for other in looks[1:]:
        changed = [
            (view, i, column, first[view][i][column], value)
            for view, rows in _settled(other).items()
            for i, row in rows.items()
            for column, value in row.items()
            if value != first[view][i][column]
        ]
        assert not changed


def _settled(look: dict[str, Rows]) -> dict[str, Rows]:
    """What does not go on while one looks."""
    return {
        view: {i: {c: v for c, v in row.items() if c not in _GROWING} for i, row in rows.items()}
        for view, rows in look.items()
    }
