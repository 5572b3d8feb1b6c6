"""`exectrail archive` on the real engine: files answer as the tables did, and nothing gets lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from exectrail.retention import archive
from exectrail.retention.archive import Archiver
from exectrail.retention.manifest import Manifest
from exectrail.storage.client import Client, StorageError
from exectrail.storage.tables import Table, Tables

from .conftest import Call
from .programs import Program, Segment, days_ago, deliver, span, speak, work

pytestmark = pytest.mark.slow


@pytest.fixture
def history(store: Client) -> dict[str, Segment]:
    """Runs of a year: over, resumed months later, waiting, dead, and of this week."""
    tables = Tables(store)
    for table in tables.all():
        if table.ttl:
            tables.set_ttl(table.name, "", None)
    runs: dict[str, Segment] = {}
    programs: list[Program] = []

    def tell(name: str, days: float, **how: str) -> Segment:
        programs.append(Program(days_ago(days)))
        runs[name] = work(programs[-1], name, **how)
        return runs[name]

    tell("ended", 300)
    tell("failed", 290, end="failed")
    tell("resumed", 250, end="paused", key="k-1")
    later = Program(days_ago(100))
    later.start("workflow", "resumed", 0.0, resumes="k-1").use(1.0, "0.5").move("completed", 2.0)
    programs.append(later)
    tell("waiting", 200, end="paused", key="k-2")
    tell("dead", 150, end="")
    tell("fresh", 3)
    deliver(store, *programs)
    deliver(store, programs[0])  # once more, as a network does
    store.insert("otel_traces", [span(run, 1.0) for run in runs.values()])
    speak(store)
    return runs


@pytest.fixture
def elsewhere(call: Call) -> Iterator[str]:
    """A name for a database to attach to; it is gone afterwards."""
    name = f"attached_{uuid4().hex[:8]}"
    yield name
    call("archive", "detach", database=name)


OVER = ("ended", "failed", "resumed", "dead")
STAYS = ("waiting", "fresh")
WHOLE = ("ended", "resumed", "waiting")
"""Those of which more is asked than `show` tells."""


def answers(call: Call, runs: dict[str, Segment], *which: str, database: str = "") -> Any:
    """What the commands say of some runs, but for what grows while one waits."""
    found: dict[str, Any] = {}
    for name in which:
        for command in (("show", "--logs"), ("tree",), ("cost", "--by", "model")):
            if command[0] != "show" and name not in WHOLE:
                continue
            words = ("--run", runs[name].id) if command[0] == "cost" else (runs[name].id,)
            told = call(*command, *words, "--json", database=database).document
            found[f"{name} {command[0]}"] = json.loads(json.dumps(told), object_hook=_lasting)
    listed = call("runs", "--limit", 1000, "--json", database=database).document["runs"]
    found["runs"] = [_lasting(run) for run in listed if run["name"] in which]
    return found


def _lasting(told: dict[str, Any]) -> dict[str, Any]:
    growing = {"duration_ms", "state_ms", "wait_ms", "clock_offset_us"}
    return {key: value for key, value in told.items() if key not in growing}


def counts(store: Client) -> dict[str, int]:
    tables = Tables(store)
    return {table.name: tables.count(table.name) for table in tables.all() if table.rows}


def test_the_files_answer_as_the_tables_did(
    store: Client,
    call: Call,
    history: dict[str, Segment],
    elsewhere: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(archive, "FILE_ROWS", 10)
    gone = answers(call, history, *OVER)
    assert [run["state"] for run in gone["runs"]] == [
        "abandoned",
        "completed",
        "failed",
        "completed",
    ]
    assert len(gone["ended show"]["logs"]) == 1

    assert call("archive", "all", "--before", "50d", "--to", tmp_path, "--drop", "--yes").code == 0
    attached = call("archive", "attach", tmp_path, "--sums", database=elsewhere)
    assert attached.code == 0, attached.err
    assert answers(call, history, *OVER, database=elsewhere) == gone
    listed = call("runs", "--json", database=elsewhere).document["runs"]
    assert {run["name"] for run in listed} == set(OVER)
    kept = call(
        "sql", "--json", "SELECT name, effective_state, cost FROM runs FINAL", database=elsewhere
    ).document["rows"]
    assert {row["name"]: row["effective_state"] for row in kept} == {
        run["name"]: run["state"] for run in gone["runs"]
    }


def test_what_is_not_over_stays_and_what_was_dropped_comes_back(
    store: Client,
    call: Call,
    history: dict[str, Segment],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(archive, "FILE_ROWS", 10)
    gone, stays = answers(call, history, *OVER), answers(call, history, *STAYS)
    money, there = call("cost", "--json").document, counts(store)

    first = call("archive", "all", "--before", "50d", "--to", tmp_path, "--json").document
    assert (first["done"], first["dropped"]) == (True, False)
    # Months with more rows than a file takes go into several.
    assert any(path.endswith("-001.parquet") for path in first["files"])
    # The word on what was archived is new.
    assert counts(store) | {"archives": 0} == there | {"archives": 0}
    dropped = call("archive", "--resume", "--drop", "--yes", "--to", tmp_path, "--json").document
    assert dropped["dropped"] is True

    assert {run["name"] for run in call("runs", "--json").document["runs"]} == set(STAYS)
    assert answers(call, history, *STAYS) == stays

    assert call("archive", "attach", tmp_path, "--back").code == 0
    assert {run["name"] for run in call("runs", "--json").document["runs"]} == set(STAYS)
    assert call("archive", "attach", tmp_path, "--back", "--yes").code == 0
    assert answers(call, history, *OVER) == gone
    assert answers(call, history, *STAYS) == stays
    assert call("cost", "--json").document == money
    # Once more, and nothing counts twice.
    assert call("archive", "attach", tmp_path, "--back", "--yes").code == 0
    assert call("cost", "--json").document == money


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Tokyo"])
def test_the_day_is_one_of_utc_wherever_one_is(
    zone: str, store: Client, call: Call, live_in: Callable[[str], None], tmp_path: Path
):
    live_in(zone)
    day = f"{days_ago(20):%Y-%m-%d}"

    assert call("archive", "all", "--before", day, "--to", tmp_path).code == 0

    [batch] = Manifest.read(tmp_path).batches
    assert batch.before == f"{day}T00:00:00+00:00"


def test_a_drop_is_told_before_it_is_done(
    store: Client, call: Call, history: dict[str, Segment], tmp_path: Path
):
    before = counts(store)

    told = call(
        "archive", "all", "--before", "50d", "--to", tmp_path / "a", "--drop", "--json"
    ).document

    assert told["done"] is False
    assert told["dropped"]["executions_state"] == 11  # before folding: four runs, a resume, steps
    assert counts(store) == before
    assert not (tmp_path / "a").exists()


def test_what_was_cut_short_goes_on_and_later_calls_add_what_came_since(
    store: Client, call: Call, history: dict[str, Segment], tmp_path: Path
):
    manifest = Manifest.read(tmp_path)
    archiver = Archiver(store, manifest)
    batch = archiver.begin(["all"], days_ago(50))

    def stop(file: object) -> None:
        if len(batch.files) == 4:
            raise StorageError("the machine went away")

    with pytest.raises(StorageError):
        archiver.write(batch, stop)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    assert len(written) == 4

    refused = call("archive", "usage", "--before", "50d", "--to", tmp_path)
    assert (refused.code, "was not finished: go on with --resume" in refused.err) == (1, True)
    done = call("archive", "--resume", "--to", tmp_path, "--json").document
    assert {path: path.stat().st_mtime_ns for path in written} == written
    assert len(done["files"]) > 4

    again = call("archive", "all", "--before", "1d", "--to", tmp_path, "--json").document
    raw = {
        (batch.name, file.table): file.rows
        for batch in Manifest.read(tmp_path).batches
        for file in batch.files
        if file.table in ("otel_logs", "otel_traces")
    }
    # Rows without an identity are written once: by the batch of their time.
    assert raw[again["batch"], "otel_traces"] == 1
    assert sum(rows for (_, table), rows in raw.items() if table == "otel_logs") <= 100
    archived = store.query(
        "SELECT batch, sum(rows) AS rows FROM archives FINAL GROUP BY batch ORDER BY batch"
    )
    assert [row["batch"] for row in archived] == ["0001", "0002"]


def test_a_file_that_was_changed_is_neither_read_nor_a_reason_to_drop(
    store: Client, call: Call, history: dict[str, Segment], elsewhere: str, tmp_path: Path
):
    assert call("archive", "all", "--before", "50d", "--to", tmp_path).code == 0
    victim = next(tmp_path.glob("usage/*/*.parquet"))
    victim.write_bytes(victim.read_bytes()[:-1] + b"X")
    before = counts(store)

    for words, database in (
        (("archive", "--resume", "--drop", "--yes", "--to", tmp_path), ""),
        (("archive", "attach", tmp_path), elsewhere),
        (("archive", "attach", tmp_path, "--back", "--yes"), ""),
    ):
        told = call(*words, database=database)
        assert (told.code, "is not what was written" in told.err) == (1, True), told
    assert counts(store) | {"archives": 0} == before | {"archives": 0}
    assert call("runs", database=elsewhere).code == 1


def test_a_file_that_lacks_a_row_is_seen_before_anything_is_dropped(
    store: Client,
    call: Call,
    history: dict[str, Segment],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    whole = Tables.download

    def lacking(self: Tables, table: Table, condition: str = "1", *rest: Any, **more: Any) -> Any:
        if table.name == "usage":
            condition += " AND sequence != 2"
        return whole(self, table, condition, *rest, **more)

    monkeypatch.setattr(Tables, "download", lacking)
    before = counts(store)

    told = call("archive", "all", "--before", "50d", "--to", tmp_path, "--drop", "--yes")

    assert (told.code, "does not hold what usage does" in told.err) == (1, True), told
    assert counts(store) == before
    monkeypatch.undo()
    done = call("archive", "--resume", "--to", tmp_path, "--json").document
    assert any(path.startswith("usage/") for path in done["files"])


def test_what_cannot_be_archived_is_refused_with_the_reason(
    store: Client, call: Call, tmp_path: Path
):
    (tmp_path / "other").write_text("mine")
    for words, reason in (
        (("erasures", "--before", "50d", "--to", tmp_path / "a"), "no table that is archived"),
        (("all", "--before", "2999-01-01", "--to", tmp_path / "a"), "not past yet"),
        (("all", "--before", "50d", "--to", tmp_path), "not empty and no archive"),
        (("--resume", "--to", tmp_path / "a"), "nothing is unfinished"),
        (("attach", tmp_path / "a"), "holds no finished batch"),
        (("detach",), "is no database that `archive attach` made"),
    ):
        told = call("archive", *words)
        assert (told.code, reason in told.err) == (1, True), (words, told)
    whole = ("otel_logs", "--before", "50d", "--to", tmp_path / "a")
    for words, reason in (
        (("all", "--to", tmp_path / "a"), "--before DATE"),
        (("all", "--before", "50d"), "--to DIR"),
        (("all", "--resume", "--to", tmp_path / "a"), "--resume alone"),
        ((), "--to DIR"),
        (("attach",), "say `archive attach DIR`"),
        (("detach", tmp_path), "say `archive attach DIR`"),
        (("attach", tmp_path, "--drop", "--resume"), "--drop, --resume does nothing with"),
        (("attach", tmp_path, "--to", tmp_path), "--to does nothing with"),
        (("attach", tmp_path, "--back", "--sums"), "--sums does nothing with"),
        (("detach", "--back"), "--back does nothing with `archive detach`"),
        ((*whole, "--drop", "--yes", "--back", "--sums"), "--back, --sums does nothing with"),
        ((*whole[1:], "--resume"), "--before does nothing with `archive --resume`"),
    ):
        told = call("archive", *words)
        assert (told.code, reason in told.err) == (2, True), (words, told)
    assert call("archive", "all", "--before", "50d", "--to", "s3://bucket/x").code == 2
    assert list(tmp_path.iterdir()) == [tmp_path / "other"]
