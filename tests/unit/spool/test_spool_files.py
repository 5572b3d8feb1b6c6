"""What is written is on the disk at once, bounded, and in memory where there is no disk."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from exectrail import guard
from exectrail.spool import Destination, Folder, Shipper, Spool, Stream, folders, sweep
from exectrail.spool import spool as writing
from exectrail.spool.destination import Target
from exectrail.spool.folder import Position, root_folder
from exectrail.testing.sink import Answer, Sink

LINE = b'{"resourceLogs":[]}\n'


@pytest.fixture(autouse=True)
def counts() -> Iterator[None]:
    guard.reset()
    writing._said.clear()
    yield
    guard.reset()


def lines_of(folder: Folder, stream: Stream) -> list[bytes]:
    found: list[bytes] = []
    at = Position()
    while (chunk := folder.read(stream, at, 10)) is not None:
        found += chunk.lines
        at = chunk.after
    return found


def make(root: Path, name: str = "w", limit: int = writing.LIMIT_BYTES) -> Spool:
    return Spool.create(root, name, {"pid": os.getpid()}, limit)


def folder_of(spool: Spool) -> Folder:
    assert spool.folder is not None
    return spool.folder


def test_a_folder_is_there_only_with_its_lock_held_and_says_whose_it_is(tmp_path: Path) -> None:
    spool = make(tmp_path / "deep" / "root")
    (folder,) = folders(tmp_path / "deep" / "root")
    assert (folder.worker_id, folder.alive()) == ("w", True)
    assert folder.about() == {"worker_id": "w", "pid": os.getpid()}
    assert (tmp_path / "deep" / "root").stat().st_mode & 0o777 == 0o700
    with pytest.raises(OSError, match="not empty"):
        make(tmp_path / "deep" / "root")
    assert not folder.remove_if_done()
    spool.close()
    assert not folder.alive()
    assert folder.remove_if_done()
    assert list((tmp_path / "deep" / "root").iterdir()) == []


def test_the_lock_of_a_killed_process_is_free_and_its_lines_are_there(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, pathlib\nfrom exectrail.spool import Spool, Stream\n"
            "s = Spool.create(pathlib.Path(sys.argv[1]), 'w', {})\n"
            "for n in range(100): s.write(Stream.STATES, b'{\"n\":%d}\\n' % n)\n"
            "print(flush=True); sys.stdin.read()",
            str(tmp_path),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    child.stdout.readline()
    (folder,) = folders(tmp_path)
    assert folder.alive()
    child.kill()
    child.communicate()
    assert not folder.alive()
    assert [json.loads(line)["n"] for line in lines_of(folder, Stream.STATES)] == [*range(100)]


def test_a_forked_child_lets_go_and_its_parent_keeps_the_lock(tmp_path: Path) -> None:
    spool = make(tmp_path)
    child = os.fork()
    if child == 0:
        spool.close_in_child()
        os._exit(7 if spool.write(Stream.STATES, LINE) else 0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert folder_of(spool).alive()
    assert spool.write(Stream.STATES, LINE)
    assert lines_of(folder_of(spool), Stream.STATES) == [LINE.rstrip()]
    spool.close()


def test_a_line_cut_short_is_no_line(tmp_path: Path) -> None:
    spool = make(tmp_path)
    spool.write(Stream.STATES, LINE)
    with (folder_of(spool).path / "states-00000001.jsonl").open("ab") as file:
        file.write(b'{"resourceLogs":[{')
    assert lines_of(folder_of(spool), Stream.STATES) == [LINE.rstrip()]
    spool.close()


def test_over_its_limit_the_oldest_spans_go_first_and_states_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "FILE_BYTES", 1000)
    spool = make(tmp_path, limit=14_000)
    line = b"x" * 99 + b"\n"
    for _ in range(60):
        for stream in Stream:
            spool.write(stream, line, 2)
    folder = folder_of(spool)
    assert folder.size() <= 14_000
    kept = {stream: len(lines_of(folder, stream)) for stream in Stream}
    assert kept[Stream.STATES] == 60
    assert kept[Stream.TRACES] < kept[Stream.LOGS] <= 60
    assert guard.dropped()["spool.traces"] == 2 * (60 - kept[Stream.TRACES])
    spool.close()


@pytest.mark.parametrize("how", ["full", "gone"])
def test_without_a_disk_memory_takes_over_and_it_is_said_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    how: str,
) -> None:
    spool = make(tmp_path)
    assert spool.write(Stream.STATES, b"1\n")
    with monkeypatch.context() as broken:
        if how == "full":  # the disk takes a part of the line, as a full one does

            def part(descriptor: int, line: bytes) -> int:
                return real(descriptor, line[:1])

            real = os.write
            broken.setattr(os, "write", part)
        else:
            broken.setattr(os, "write", lambda *_: (_ for _ in ()).throw(OSError(5, "away")))
        assert spool.write(Stream.STATES, b"2\n")
        assert spool.write(Stream.STATES, b"3\n")
    assert spool.in_memory == 4
    assert spool.take_memory(Stream.STATES, 1) == [b"2\n"]
    spool._retry_at = 1e-9  # the time to try again has come
    assert spool.write(Stream.STATES, b"4\n")
    assert lines_of(folder_of(spool), Stream.STATES) == [b"1", b"4"]
    assert [r for r in caplog.messages if "cannot be written" in r] == [
        r for r in caplog.messages if "Said once" in r and "spool" in r and "cannot" in r
    ]
    assert sum("cannot be written" in message for message in caplog.messages) == 1
    with Sink() as sink:
        destination = Destination(
            {signal: Target(f"{sink.url}/v1/{signal}") for signal in ("logs", "traces", "metrics")}
        )
        sink.answer = Answer.UNAVAILABLE
        shipper = Shipper(spool.folder, destination, spool)
        assert shipper.ship().problem.endswith("answered 503")
        assert spool.in_memory == 4
        destination.close()
    spool.close()


def test_memory_is_bounded_and_spans_give_way_first() -> None:
    spool = Spool(memory=100)
    for _ in range(10):
        spool.write(Stream.TRACES, b"t" * 9 + b"\n")
    for _ in range(12):
        spool.write(Stream.STATES, b"s" * 9 + b"\n")
    assert spool.in_memory == 100
    assert spool.take_memory(Stream.TRACES, 1000) == []
    assert len(spool.take_memory(Stream.STATES, 1000)) == 10
    assert guard.dropped() == {"spool.traces": 10, "spool.states": 2}


def test_threads_write_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "FILE_BYTES", 2000)
    spool = make(tmp_path)

    def write(name: int) -> None:
        for number in range(200):
            spool.write(Stream.STATES, json.dumps([name, number]).encode() + b"\n")

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [tuple(json.loads(line)) for line in lines_of(folder_of(spool), Stream.STATES)]
    assert sorted(found) == [(name, number) for name in range(4) for number in range(200)]
    spool.close()


def test_one_ships_at_a_time(tmp_path: Path) -> None:
    spool = make(tmp_path)
    folder = folder_of(spool)
    with folder.claimed() as first, folder.claimed() as second:
        assert (first, second) == (True, False)
    with folder.claimed() as again:
        assert again
    spool.close()


def test_what_was_acknowledged_is_not_sent_again_and_its_files_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "FILE_BYTES", 60)
    spool = make(tmp_path)
    with Sink() as sink:
        destination = Destination(
            {signal: Target(f"{sink.url}/v1/{signal}") for signal in ("logs", "traces", "metrics")}
        )
        for number in range(9):
            spool.write(Stream.STATES, LINE)
            if number % 3 == 2:
                assert Shipper(spool.folder, destination).ship().sent == 3
        assert folder_of(spool).left() == 0
        assert len(folder_of(spool).numbers(Stream.STATES)) == 1
        spool.close()
        assert Shipper(folder_of(spool), destination).ship().sent == 0
        assert folder_of(spool).remove_if_done()
        destination.close()


def test_a_full_disk_takes_what_was_acknowledged_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = make(tmp_path)
    folder = folder_of(spool)
    at = dict.fromkeys(Stream, Position(1, 100))
    folder.acknowledge(at)

    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    later = at | {Stream.STATES: Position(1, 7)}
    folder.acknowledge(later)
    assert folder.acknowledged() == later
    spool.close()


def test_what_dead_processes_left_is_bounded_by_size_and_age(tmp_path: Path) -> None:
    for name in ("a-old", "b-dead", "c-alive"):
        spool = make(tmp_path, name)
        for stream in (Stream.STATES, Stream.TRACES):
            spool.write(stream, b"x" * 999 + b"\n")
        if name == "c-alive":
            break
        spool.close()
    for path in (tmp_path / "a-old").iterdir():
        os.utime(path, (0, 0))
    assert [folder.worker_id for folder in sweep(tmp_path)] == ["a-old"]
    assert [folder.worker_id for folder in sweep(tmp_path, limit_bytes=3800)] == ["b-dead"]
    assert folders(tmp_path)[0].numbers(Stream.TRACES) == []
    assert folders(tmp_path)[0].numbers(Stream.STATES) == [1]
    sweep(tmp_path, limit_bytes=0)
    assert [f.numbers(Stream.STATES) for f in folders(tmp_path)] == [[], [1]]
    spool.close()


@pytest.mark.parametrize(
    ("environment", "root"),
    [
        ({"EXECTRAIL_SPOOL": "/var/spool/x", "HOME": "/"}, "/var/spool/x"),
        ({"EXECTRAIL_SPOOL": "OFF"}, None),
        ({"XDG_STATE_HOME": "/s", "HOME": "/"}, "/s/exectrail/spool"),
        ({"HOME": "/"}, "/.local/state/exectrail/spool"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/"}, "/.local/state/exectrail/spool"),
    ],
)
def test_where_the_spool_is(environment: dict[str, str], root: str | None) -> None:
    found = root_folder(environment)
    assert (str(found) if found else None) == root


def test_without_a_home_the_spool_is_among_temporary_files() -> None:
    found = root_folder({"HOME": "/nonexistent"})
    assert found is not None
    assert (found.name, found.parent.name) == ("spool", f"exectrail-{os.getuid()}")
