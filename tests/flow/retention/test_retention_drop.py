"""`exectrail archive --drop` on the real engine: only rows go that a file holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from exectrail.storage.client import Client
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
