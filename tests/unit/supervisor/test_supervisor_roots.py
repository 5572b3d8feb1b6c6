"""Which root was open when a line of output was read, by what its process had written by then."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exectrail.conventions import names
from exectrail.spool import Folder, LogLines, Spool, Stream
from exectrail.spool import spool as writing
from exectrail.supervisor import roots
from exectrail.supervisor.roots import OpenRoots

MS = 1_000_000


class Worker:
    """Writes changes of state; times are milliseconds from a moment."""

    def __init__(self, root: Path) -> None:
        self.spool = Spool.create(root, "w", {})
        assert self.spool.folder is not None
        self.folder: Folder = self.spool.folder
        self.roots = OpenRoots(self.folder)
        self.began = time.time_ns() - 500 * MS
        self.lines = LogLines({names.WORKER_ID: "w"})

    def change(self, execution: str, state: str, at: float, parent: str = "", **more: Any) -> None:
        attributes = {
            names.EXECUTION_ID: execution,
            names.EXECUTION_ROOT_ID: execution,
            names.EXECUTION_NAME: f"name of {execution}",
            names.EXECUTION_STATE: state,
            **({names.EXECUTION_PARENT_ID: parent} if parent else {}),
            **more,
        }
        at_ns = self.began + int(at * MS)
        event = names.EVENT_EXECUTION_STATE_CHANGED
        self.spool.write(Stream.STATES, self.lines.line(event, at_ns, "INFO", attributes))

    def at(self, at: float) -> str:
        self.roots.look()
        found = self.roots.at(self.began + int(at * MS))
        assert not found or found[names.EXECUTION_NAME] == f"name of {found[names.EXECUTION_ID]}"
        return str(found.get(names.EXECUTION_ID, ""))


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setattr(roots, "LEFT_BEHIND_NS", 3_600_000 * MS)  # a machine may be slow
    worker = Worker(tmp_path)
    yield worker
    worker.roots.close()
    worker.spool.close()


def test_the_only_open_root_is_told_and_neither_its_parts_nor_several(worker: Worker) -> None:
    assert worker.at(0) == ""
    worker.change("a", "running", 10)
    worker.change("step", "running", 20, parent="a")
    worker.change("b", "running", 40, parent="of another process")
    worker.change("b", "completed", 60)
    worker.change("step", "failed", 80)
    worker.change("a", "completed", 100)
    times = (5, 15, 30, 50, 70, 90, 100.05, 101)
    assert [worker.at(at) for at in times] == ["", "a", "a", "", "a", "a", "a", ""]


def test_of_two_that_ended_just_now_none_is_told(worker: Worker) -> None:
    for name, at in (("a", 10), ("b", 10.02)):
        worker.change(name, "running", at)
        worker.change(name, "completed", at + 0.01)
    assert worker.at(10.05) == ""


def test_a_pause_for_another_process_is_an_end_here_and_others_are_not(worker: Worker) -> None:
    worker.change("a", "running", 10)
    worker.change("a", "paused", 20)
    assert worker.at(30) == "a"
    worker.change("a", "paused", 40, **{names.EXECUTION_RESUME_KEY: "key"})
    assert worker.at(50) == ""
    worker.change("c", "running", 60)
    assert worker.at(70) == "c"


def test_what_was_not_a_legal_change_changes_nothing(worker: Worker) -> None:
    worker.change("a", "running", 10)
    worker.change("a", "created", 20, **{names.EXECUTION_VALID: False})
    assert worker.at(30) == "a"
    worker.change("a", "completed", 40)
    worker.change("a", "running", 50, **{names.EXECUTION_VALID: False})
    assert worker.at(60) == ""


def test_lines_that_cannot_be_read_are_passed_over(worker: Worker) -> None:
    worker.spool.write(Stream.STATES, b'"exectrail.execution.state_changed" and no JSON\n')
    worker.spool.write(Stream.STATES, b'["exectrail.execution.state_changed"]\n')
    worker.change("a", "running", 10)
    assert worker.at(20) == "a"


def test_files_that_were_shipped_and_removed_are_read_to_their_end(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "FILE_BYTES", 1600)
    worker.change("a", "running", 10)
    assert worker.at(20) == "a"
    first = worker.folder.path / "states-00000001.jsonl"
    worker.change("a", "completed", 30)
    worker.change("b", "running", 40)
    assert worker.folder.numbers(Stream.STATES)[-1] == 2
    first.unlink()
    assert worker.at(50) == "b"


def test_where_changes_were_missed_nothing_is_told(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "FILE_BYTES", 500)
    worker.change("a", "running", 10)
    assert worker.at(20) == "a"
    worker.change("a", "completed", 30)
    worker.change("b", "running", 40)
    assert len(worker.folder.numbers(Stream.STATES)) == 3
    (worker.folder.path / "states-00000002.jsonl").unlink()
    assert worker.at(50) == ""


def test_a_time_that_is_yet_to_come_counts_from_when_it_was_seen(worker: Worker) -> None:
    worker.change("a", "running", 3_600_000)
    worker.roots.look()
    found = worker.roots.at(time.time_ns())
    assert found[names.EXECUTION_ID] == "a"


def test_what_is_read_long_after_its_death_is_not_of_it(worker: Worker) -> None:
    worker.change("a", "running", 10)
    worker.roots.look()
    worker.roots.died()
    assert worker.at(400) == "a"
    later = time.time_ns() + 2 * roots.AFTER_DEATH_NS
    assert worker.roots.at(later) == {}
