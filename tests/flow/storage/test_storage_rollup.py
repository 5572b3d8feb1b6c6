"""What is folded says what the views say, whatever comes late, twice, or in between."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from exectrail import queries
from exectrail.conventions import names
from exectrail.rollup import Fold
from exectrail.storage.client import Client

from .histories import History, draw
from .processes import Weather
from .reference_segments import Event
from .test_storage_histories import _canary, _row

WORLDS = 3
PER_WORLD = 25
_GROWING = {f"{what}_ms" for what in ("duration", "work", "wait", "queued", "blocked")}
_LEFT_OUT = {"folded", "gone", "made", "created"}
_RUNS = "SELECT * FROM runs FINAL"
_BY_AGENT = "SELECT * FROM runs_by_agent FINAL"


def _fold(fold: Fold) -> int:
    folded = list(fold.run())[-1]
    assert folded.done
    return folded.runs


def _world(store: Client, name: str, number: int) -> tuple[list[Event], datetime]:
    """What will have happened, before this moment, and a pipeline that speaks."""
    weather = Weather.draw(number)
    histories: list[History] = [draw(f"{name}.{n}", weather) for n in range(PER_WORLD)]
    base = datetime.now(UTC).replace(microsecond=0)
    store.insert("otel_metrics_gauge", _canary(weather, base))
    return [event for history in histories for event in history.events], base


def _tell(store: Client, events: Sequence[Event], base: datetime) -> None:
    """They come now."""
    rows = [_row(event, event.received, base) for event in events]
    told = [{name: value for name, value in row.items() if name != "Received"} for row in rows]
    store.insert("otel_logs", told)


def _batches(history: list[Any], chance: random.Random, number: int) -> Iterator[list[Any]]:
    cuts = sorted({0, len(history), *(chance.randrange(len(history)) for _ in range(number))})
    for start, end in pairwise(cuts):
        yield history[start:end]


def _plain(row: dict[str, Any], columns: set[str]) -> dict[str, Any]:
    """A row as it compares: without what goes on while one looks, and lists in an order."""
    running = row["ended_at"] is None
    return {
        name: sorted(row[name]) if isinstance(row[name], list) else row[name]
        for name in columns
        if not (running and name in _GROWING)
    }


def _compare(store: Client) -> None:
    for table, view, keys in (
        (_RUNS, "executions", ("execution_id",)),
        (_BY_AGENT, "run_agents", ("root_id", "agent")),
    ):
        live, kept = (
            {tuple(row[key] for key in keys): row for row in store.query(asked)}
            for asked in (f"SELECT * FROM {view}", table)
        )
        assert kept.keys() == live.keys()
        for key, row in kept.items():
            columns = (row.keys() & live[key].keys()) - _LEFT_OUT
            assert _plain(row, columns) == _plain(live[key], columns)


@pytest.mark.parametrize("number", range(WORLDS))
def test_what_was_folded_in_between_is_what_the_views_say_at_the_end(
    store: Client, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Events come now, in any order, some twice; between them it is folded, or the folder dies."""
    if number % 2:  # runs that lie side by side are named by the first and the last
        monkeypatch.setattr("exectrail.rollup.fold.CROWD", 2)
    chance = random.Random(f"fold {number}")
    told, base = _world(store, f"fold.{number}", number)
    told += chance.choices(told, k=len(told) // 10)
    chance.shuffle(told)
    fold = Fold(store)
    for batch in _batches(told, chance, 6):
        _tell(store, batch, base)
        match chance.randrange(4):
            case 0:
                pass
            case 1:  # broken off amid its work: the next one does it all
                next(fold.run())
                fold = Fold(store)
            case _:
                _fold(fold)
    _fold(fold)
    _compare(store)
    # Nothing has come since: nothing is written, and nothing changes.
    assert _fold(fold) == 0
    # Whoever begins anew does the work again, to the same end.
    _fold(Fold(store))
    _compare(store)
    # What was written down is enough to know it: here nothing counts as heard since.
    store.insert("folds", [{"began": datetime.now(UTC) + timedelta(minutes=10), "done": 0}])
    _compare(store)


def test_a_run_that_goes_on_amid_many_new_ones_is_folded_under_its_first_segment(
    store: Client,
    program: Callable[..., Any],
    send: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The new ones are named by the first and the last, and it began long before them."""
    monkeypatch.setattr("exectrail.rollup.fold.CROWD", 2)
    one, two = program(), program()
    key = {names.EXECUTION_RESUME_KEY: "shop|flow|thread-1|"}
    first = one.start("workflow", "flow", -900, **key).use(-890, cost="1")
    first.move("paused", -880, **key)
    send(one)
    fold = Fold(store)
    assert _fold(fold) == 1

    others = [
        two.start("workflow", f"other {n}", -100 + n).move("completed", -50) for n in range(3)
    ]
    second = two.start("workflow", "flow", -97.5, resumes="shop|flow|thread-1|").use(-90, cost="2")
    second.move("completed", -40)
    send(two)
    assert _fold(fold) == 4
    kept = {row["execution_id"]: row for row in store.query(_RUNS)}
    assert kept.keys() == {first.id, *(other.id for other in others)}
    assert (kept[first.id]["state"], kept[first.id]["cost"]) == ("completed", Decimal(3))
    _compare(store)


@pytest.mark.parametrize("number", range(WORLDS))
def test_what_is_asked_of_some_runs_is_what_all_say(store: Client, number: int) -> None:
    """By their ids, by the first and the last of them, and with a list of both."""
    told, base = _world(store, f"some.{number}", number)
    _tell(store, told, base)
    if number % 2:
        _fold(Fold(store))
    for view, key in (("executions", "execution_id"), ("execution_tree", "root_id")):
        rows: dict[str, list[dict[str, Any]]] = {}
        for row in store.query(f"SELECT * FROM {view} ORDER BY execution_id"):
            rows.setdefault(row[key], []).append(row)
        ids = sorted(rows)
        half = len(ids) // 2
        asked = [(id_, [id_]) for id_ in ids[:: max(1, len(ids) // 8)]]
        asked.append((",".join(ids[::2]), ids[::2]))
        asked.append((f"{ids[0]}..{ids[half]}", ids[: half + 1]))
        asked.append((f"{ids[half]}..{ids[-1]},{ids[0]}", [ids[0], *ids[half:]]))
        for root, expected in asked:
            found = store.query(
                f"SELECT * FROM {view}_of(since = '1970-01-01 00:00:00', root = {{root:String}})"
                " ORDER BY execution_id",
                {"root": root},
            )
            left = sorted((r for i in expected for r in rows[i]), key=lambda r: r["execution_id"])
            columns = set(left[0]) - _LEFT_OUT - {"state_ms", "flag_s"}
            assert [_plain(row, columns) for row in found] == [_plain(r, columns) for r in left]


@pytest.mark.parametrize("number", range(WORLDS))
def test_the_list_of_runs_is_that_of_the_view_with_news_and_without(
    store: Client, number: int
) -> None:
    """It reads the rows that were folded, and looks anew at what there is news of alone."""
    chance = random.Random(f"list {number}")
    told, base = _world(store, f"list.{number}", number)
    chance.shuffle(told)
    _tell(store, told[: len(told) // 2], base)
    _fold(Fold(store))
    if number:  # what is folded already is not heard since
        store.insert("folds", [{"began": datetime.now(UTC) + timedelta(minutes=2), "done": 1}])
    _tell(store, told[len(told) // 2 :] if number < 2 else [], base)

    rows = store.query("SELECT * FROM executions ORDER BY started_at DESC, execution_id DESC")
    assert rows
    words = {
        "state": {"stuck", *(row["effective_state"] for row in rows)} - {""},
        "outcome": {row["outcome"] for row in rows} - {""},
        "project": {"none"},
    }
    asked_for = [("", ""), *((what, word) for what, some in words.items() for word in sorted(some))]
    for name, word in asked_for:
        limit = chance.choice((3, 1000))
        asked = {name: word} if name else {}
        left = [row["execution_id"] for row in rows if not name or _fits(row, name, word)]
        listed = store.fetch(queries.runs(limit=limit, **asked))
        assert [run.execution_id for run in listed] == left[:limit], asked


def _fits(row: dict[str, Any], name: str, word: str) -> bool:
    if name == "state":
        return row["effective_state"] == word or word in row["flags"]
    return row[name] == word


def _sum(store: Client, table: str, unit: str, what: str) -> dict[str, Any]:
    [row] = store.query(f"SELECT count() AS rows, {what} FROM {table}_{unit} FINAL")
    return {name: value for name, value in row.items() if name != "rows"}


def test_roll_ups_are_the_sums_of_what_they_stand_for(store: Client) -> None:
    weather = Weather.draw(1)
    base = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    for number in range(40):
        events = draw(f"sums.{number}", weather).events
        _tell(store, events, base)
    fold = Fold(store)
    _fold(fold)
    ended = "sum(success) AS success, sum(abandoned) AS abandoned"
    money = "sum(calls) AS calls, sum(cost) AS cost"
    [expected] = store.query(
        "SELECT count() AS runs, countIf(outcome = 'success') AS success,"
        " countIf(outcome = 'abandoned') AS abandoned,"
        " sum(calls) AS calls, sum(cost) AS cost FROM executions"
    )
    assert expected["runs"] > 0
    runs = f"sum(runs) AS runs, {ended}, {money}"
    assert _sum(store, "runs", "hourly", runs) == _sum(store, "runs", "daily", runs) == expected
    [expected] = store.query(
        "SELECT count() AS calls, sum(cost) AS cost, countIf(priced) AS priced_calls"
        " FROM model_calls"
    )
    assert expected["calls"] > 0
    calls = f"{money}, sum(priced_calls) AS priced_calls"
    assert _sum(store, "usage", "hourly", calls) == _sum(store, "usage", "daily", calls) == expected
    assert store.query("SELECT sum(runs) AS n FROM agents_hourly FINAL") == store.query(
        "SELECT count() AS n FROM run_agents WHERE agent != ''"
    )
    # Written anew, they are the same.
    before = [_sum(store, name, "hourly", money) for name in ("runs", "usage")]
    *_, last = fold.rebuild(datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))
    [there] = store.query(
        "SELECT uniqExact(hour) AS hours FROM"
        " (SELECT hour FROM runs_hourly UNION ALL SELECT hour FROM agents_hourly"
        " UNION ALL SELECT toStartOfHour(ts) FROM usage)"
    )
    assert last.hours == there["hours"] > 1  # each once, and none in which there was nothing
    assert [_sum(store, name, "hourly", money) for name in ("runs", "usage")] == before


@pytest.mark.parametrize("why", ["archived and dropped", "too old"])
def test_sums_of_what_is_there_no_more_stay(store: Client, why: str) -> None:
    base = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
    for number in range(10):
        _tell(store, draw(f"gone.{number}", Weather.draw(1)).events, base)
    fold = Fold(store)
    _fold(fold)
    before = _sum(store, "usage", "hourly", "sum(calls) AS calls")
    assert before["calls"] > 0
    if why == "too old":
        store.command(
            "ALTER TABLE usage MODIFY TTL toDateTime(received) + toIntervalDay(2)"
            " SETTINGS materialize_ttl_after_modify = 0"
        )
    else:
        dropped = {"table_name": "usage", "before": base + timedelta(days=1), "dropped": 1}
        store.insert("archives", [dropped])
    store.command("TRUNCATE TABLE usage")

    list(fold.rebuild(base - timedelta(days=2), base + timedelta(hours=2)))

    assert _sum(store, "usage", "hourly", "sum(calls) AS calls") == before
