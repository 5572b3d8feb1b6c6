"""`exectrail archive --drop` on the real engine: only rows go that a file holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from exectrail.retention import archive
from exectrail.retention.archive import Archiver
from exectrail.retention.manifest import Manifest
from exectrail.storage.client import Client, StorageError
from exectrail.storage.tables import Tables

from .conftest import Call
from .programs import Program, days_ago, span

pytestmark = pytest.mark.slow


@pytest.fixture
def spans(store: Client) -> Callable[..., None]:
    """Puts raw spans of other programs into the store, by how many days ago they came."""
    Tables(store).set_ttl("otel_traces", "", None)

    def came(*days: float) -> None:
        for ago in days:
            segment = Program(days_ago(ago)).start("workflow", f"{ago:g}", 0.0)
            store.insert("otel_traces", [span(segment, 1.0)])

    return came


def there(store: Client) -> set[str]:
    return {row["SpanName"] for row in store.query("SELECT SpanName FROM otel_traces")}


def rows_of(directory: Path) -> dict[str, int]:
    """Rows of each file."""
    told = json.loads((directory / "manifest.json").read_text())
    return {file["path"]: file["rows"] for batch in told["batches"] for file in batch["files"]}


def test_rows_of_an_earlier_batch_go_only_with_a_file_that_holds_them(
    store: Client, call: Call, spans: Callable[..., None], tmp_path: Path
):
    spans(300, 299)
    assert call("archive", "otel_traces", "--before", "200d", "--to", tmp_path).code == 0
    spans(150)
    (victim,) = tmp_path.glob("otel_traces/*/*.parquet")
    whole = victim.read_bytes()
    drop = ("archive", "otel_traces", "--before", "100d", "--to", tmp_path, "--drop")

    victim.unlink()
    told = call(*drop)
    assert (told.code, f"{victim} cannot be read" in told.err) == (1, True), told
    told = call(*drop, "--yes")
    assert (told.code, f"{victim} cannot be read" in told.err) == (1, True), told
    victim.write_bytes(whole[:-1] + b"X")
    again = ("archive", "--resume", "--drop", "--yes", "--to", tmp_path)
    told = call(*again)
    assert (told.code, "is not what was written" in told.err) == (1, True), told
    assert there(store) == {"300", "299", "150"}

    victim.write_bytes(whole)
    assert call(*again).code == 0
    assert there(store) == set()
    assert sorted(rows_of(tmp_path).values()) == [1, 2]
    assert call("archive", "attach", tmp_path, "--back", "--yes").code == 0
    assert there(store) == {"300", "299", "150"}


def test_rows_that_came_later_with_an_older_time_are_written_before_they_go(
    store: Client, call: Call, spans: Callable[..., None], tmp_path: Path
):
    spans(300)
    archived = ("archive", "otel_traces", "--to", tmp_path)
    assert call(*archived, "--before", "200d").code == 0
    spans(250, 150)

    assert call(*archived, "--before", "100d").code == 0
    assert sorted(rows_of(tmp_path).values()) == [1, 1, 1]
    # Rows that come after the last file was written stay until one holds them.
    spans(160, 260)
    dropped = call("archive", "--resume", "--drop", "--yes", "--to", tmp_path)
    assert dropped.code == 0, dropped.err
    assert there(store) == {"160", "260"}

    done = call(*archived, "--before", "99d", "--drop", "--yes", "--json").document
    assert (done["rows"], there(store)) == (2, set())
    assert call("archive", "attach", tmp_path, "--back", "--yes").code == 0
    assert there(store) == {"300", "250", "150", "160", "260"}
    assert Tables(store).count("otel_traces") == 5


def test_what_only_goes_is_told_before_it_goes(
    store: Client, call: Call, spans: Callable[..., None], tmp_path: Path
):
    spans(300, 299)
    archived = ("archive", "otel_traces", "--before", "200d", "--to", tmp_path)
    assert call(*archived).code == 0

    for words in (archived, ("archive", "--resume", "--to", tmp_path)):
        told = call(*words, "--drop")
        assert told.code == 0, told.err
        (line,) = (line for line in told.out.splitlines() if line.startswith("otel_traces"))
        assert line.split() == ["otel_traces", "0", "0", "2"]
        planned = call(*words, "--drop", "--json").document
        assert (planned["written"], planned["dropped"]) == ([], {"otel_traces": 2})
    assert there(store) == {"300", "299"}


def test_one_row_is_told_as_one(
    store: Client, call: Call, spans: Callable[..., None], tmp_path: Path
):
    spans(300)
    told = call("archive", "otel_traces", "--before", "200d", "--to", tmp_path, "--drop", "--yes")
    written, dropped, closing = told.out.splitlines()
    assert " 1 row " in written
    assert dropped.endswith(" 1 row")
    assert closing.startswith("1 row in 1 file, ")


def test_a_month_is_cut_as_it_was_begun_though_merges_make_it_smaller(
    store: Client, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(archive, "FILE_ROWS", 10)
    program = Program(days_ago(70))
    told = [span(program.start("workflow", "w", 0.0), 1.0) for _ in range(12)]
    store.command("SYSTEM STOP MERGES spans")
    for again in (told, told[::-1]):
        store.insert("otel_traces", again)
    archiver = Archiver(store, Manifest.read(tmp_path))

    def stop(file: object) -> None:
        raise StorageError("the machine went away")

    with pytest.raises(StorageError):
        archiver.write(archiver.begin(["spans"], days_ago(50)), stop)
    assert store.query("SELECT count() AS n FROM spans") == [{"n": 24}]
    store.command("SYSTEM START MERGES spans")
    store.command("OPTIMIZE TABLE spans FINAL")
    assert store.query("SELECT count() AS n FROM spans") == [{"n": 12}]

    assert call("archive", "--resume", "--to", tmp_path).code == 0
    assert len(rows_of(tmp_path)) == 3
    assert sum(rows_of(tmp_path).values()) == 12
