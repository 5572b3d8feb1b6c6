"""Many folders go by few requests, each line of them, and nobody's refused line harms another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exectrail import guard
from exectrail.spool import (
    Destination,
    LogLines,
    Shipped,
    Shipper,
    Spool,
    Stream,
    ship_leftovers,
    ship_together,
    together,
)
from exectrail.spool import spool as writing
from exectrail.spool.destination import Answer as Answered
from exectrail.testing.sink import Answer, Sink

ENVELOPE = len(LogLines({}).line("", 1, "INFO", {}))


@pytest.fixture(autouse=True)
def counts() -> Iterator[None]:
    guard.reset()
    yield
    guard.reset()


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def destination(sink: Sink) -> Iterator[Destination]:
    destination = Destination.from_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url})
    yield destination
    destination.close()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[str], Spool]]:
    made: list[Spool] = []

    def make(name: str) -> Spool:
        made.append(Spool.create(tmp_path, name, {}))
        return made[-1]

    yield make
    for spool in made:
        spool.close()


def write(spool: Spool, *events: str) -> None:
    lines = LogLines({"worker": spool.folder.worker_id if spool.folder else ""})
    for event in events:
        spool.write(Stream.STATES, lines.line(event, 1, "INFO", {}))


def ship(destination: Destination, *spools: Spool) -> list[Shipped]:
    shippers = [Shipper(spool.folder, destination, spool) for spool in spools]
    return list(ship_together(destination, Stream.STATES, shippers))


def arrived(sink: Sink) -> list[tuple[str, str]]:
    return [(log.resource["worker"], log.name) for log in sink.logs]


def test_many_folders_go_by_one_request(
    sink: Sink, destination: Destination, make: Callable[[str], Spool]
) -> None:
    spools = [make(f"w{number}") for number in range(20)]
    for spool in spools:
        write(spool, "one", "two")

    assert ship(destination, *spools, make("idle")) == [Shipped(sent=40)]
    assert sink.requests == 1
    assert arrived(sink) == [(f"w{n}", event) for n in range(20) for event in ("one", "two")]
    assert ship(destination, *spools) == []


def test_what_is_more_than_a_request_goes_by_several(
    sink: Sink,
    destination: Destination,
    make: Callable[[str], Spool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(together, "REQUEST_BYTES", 4 * ENVELOPE)
    a, b = make("a"), make("b")
    write(a, *(f"a{number}" for number in range(10)))
    write(b, *(f"b{number}" for number in range(10)))

    done = ship(destination, a, b)

    assert len(done) > 2
    assert sum(each.sent for each in done) == 20
    assert sorted(arrived(sink)) == [(name, f"{name}{n}") for name in "ab" for n in range(10)]
    assert arrived(sink)[0] == ("a", "a0")
    assert arrived(sink)[-1] == ("b", "b9")


@pytest.mark.parametrize("memory", [False, True])
def test_what_is_to_be_last_is_last_however_many_requests_there_are(
    sink: Sink,
    destination: Destination,
    make: Callable[[str], Spool],
    monkeypatch: pytest.MonkeyPatch,
    memory: bool,
) -> None:
    monkeypatch.setattr(together, "REQUEST_BYTES", 4 * ENVELOPE)
    a, b = make("a"), make("b")
    teller = Spool() if memory else make("teller")
    if memory:
        monkeypatch.setattr(Spool, "_to_disk", lambda *_: False)
    write(teller, "end")
    write(a, *(f"a{number}" for number in range(10)))
    write(b, "b0")
    shippers = [Shipper(spool.folder, destination, spool) for spool in (a, b)]
    last = Shipper(teller.folder, destination, teller)
    told = last.waiting(Stream.STATES)
    assert told is not None

    done = list(ship_together(destination, Stream.STATES, shippers, last=(last, told)))

    assert sum(each.sent for each in done) == 12
    assert [event for _, event in arrived(sink)][-1] == "end"
    assert last.waiting(Stream.STATES) is None


def test_who_writes_on_and_on_does_not_keep_the_others_waiting(
    sink: Sink, destination: Destination, make: Callable[[str], Spool]
) -> None:
    spool = make("a")
    write(spool, "before")
    shipping = ship_together(destination, Stream.STATES, [Shipper(spool.folder, destination)])
    for number in range(3):
        write(spool, f"meanwhile {number}")
        if next(shipping, None) is None:
            break
    else:
        pytest.fail("it never ends")
    assert arrived(sink)[0] == ("a", "before")


def test_a_refused_line_is_dropped_and_all_others_arrive(
    sink: Sink, destination: Destination, make: Callable[[str], Spool]
) -> None:
    a, b, c, d = make("a"), make("b"), make("c"), make("d")
    write(a, "one")
    b.write(Stream.STATES, b'{"resourceLogs":[{"scopeLogs":0}]}\n')
    write(b, "two")
    c.write(Stream.STATES, b'{"resourceLogs":[]}\n')
    d.write(Stream.STATES, b"no request at all\n")
    write(d, "three")

    (done,) = ship(destination, a, b, c, d)

    assert (done.refused, done.problem) == (2, "")
    assert arrived(sink) == [("a", "one"), ("b", "two"), ("d", "three")]
    assert ship(destination, a, b, c, d) == []


def test_what_one_tells_of_many_goes_by_one_request(
    sink: Sink, destination: Destination, make: Callable[[str], Spool]
) -> None:
    """A supervisor's lines are each of another process."""
    spool = make("supervisor")
    for number in range(20):
        lines = LogLines({"worker": f"w{number % 7}"})
        spool.write(Stream.STATES, lines.line(f"{number}", 1, "INFO", {}))

    assert Shipper(spool.folder, destination).ship() == Shipped(sent=20)
    assert sink.requests == 1
    assert arrived(sink) == [(f"w{number % 7}", f"{number}") for number in range(20)]


def test_where_the_receiver_fails_everything_waits(
    sink: Sink, destination: Destination, make: Callable[[str], Spool]
) -> None:
    spools = [make("a"), make("b")]
    for spool in spools:
        write(spool, "one")
    sink.answer = Answer.UNAVAILABLE
    (done,) = ship(destination, *spools)
    assert (done.sent, done.problem) == (0, f"{sink.url}/v1/logs answered 503")
    sink.answer = Answer.OK
    assert ship(destination, *spools) == [Shipped(sent=2)]
    assert arrived(sink) == [("a", "one"), ("b", "one")]


def test_after_the_deadline_nothing_is_sent(
    sink: Sink, destination: Destination, make: Callable[[str], Spool]
) -> None:
    spool = make("a")
    write(spool, "one")
    shippers = [Shipper(spool.folder, destination)]
    (done,) = ship_together(destination, Stream.STATES, shippers, deadline=0.0)
    assert (done.problem, sink.requests) == ("no time left", 0)


def test_files_that_are_past_go_while_their_process_lives(
    destination: Destination, make: Callable[[str], Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "FILE_BYTES", 3 * ENVELOPE)
    a, b = make("a"), make("b")
    write(a, *(f"{number}" for number in range(9)))
    write(b, "one")
    ship(destination, a, b)
    assert a.folder is not None
    assert len(a.folder.numbers(Stream.STATES)) == 1
    assert a.folder.left() == 0


def test_memory_goes_along_and_is_free_again(
    sink: Sink, destination: Destination, make: Callable[[str], Spool]
) -> None:
    disk, memory = make("a"), Spool()
    write(disk, "one")
    write(memory, "two")
    assert ship(destination, disk, memory) == [Shipped(sent=2)]
    assert (memory.in_memory, arrived(sink)) == (0, [("a", "one"), ("", "two")])


def test_an_answer_that_never_came_is_asked_for_again(
    sink: Sink, destination: Destination, make: Callable[[str], Spool]
) -> None:
    """Delivery is at least once: who does not know sends again."""
    spools = [make("a"), make("b")]
    for spool in spools:
        write(spool, "one")
    send = destination.send

    def lose(signal: str, body: bytes, timeout_s: float = 0.0) -> Answered:
        send(signal, body, timeout_s)
        return Answered(False, problem="lost")

    destination.send = lose
    assert [done.problem for done in ship(destination, *spools)] == ["lost"]
    destination.send = send
    ship(destination, *spools)
    assert arrived(sink) == 2 * [("a", "one"), ("b", "one")]


def test_of_what_dead_processes_left_a_supervisors_word_goes_last(
    sink: Sink, destination: Destination, tmp_path: Path
) -> None:
    for name in ("a-supervisor", "b-worker", "c-worker"):
        about = {"supervisor": "a-supervisor", "endpoint": destination.endpoint}
        spool = Spool.create(tmp_path, name, about)
        write(spool, "end" if "supervisor" in name else "last words")
        spool.close()

    left = list(ship_leftovers(tmp_path, destination))

    assert [leftover.removed for leftover in left] == [True] * 3
    assert [event for _, event in arrived(sink)] == ["last words", "last words", "end"]


def test_what_dead_processes_left_goes_on_where_it_was_broken_off(
    sink: Sink, destination: Destination, tmp_path: Path
) -> None:
    """Whoever has work of his own stops after a request, and not after a folder."""
    spool = Spool.create(tmp_path, "a-worker", {"endpoint": destination.endpoint})
    large = {"text": "x" * (together.REQUEST_BYTES * 2 // 3)}
    for event in ("one", "two", "three"):
        spool.write(Stream.STATES, LogLines({}).line(event, 1, "INFO", large))
    spool.close()

    [cut] = ship_leftovers(tmp_path, destination, wanted=lambda: sink.requests == 0)
    assert (cut.shipped, cut.removed) == (Shipped(sent=1), False)
    [rest] = ship_leftovers(tmp_path, destination)
    assert (rest.shipped, rest.removed) == (Shipped(sent=2), True)
    assert [log.name for log in sink.logs] == ["one", "two", "three"]
