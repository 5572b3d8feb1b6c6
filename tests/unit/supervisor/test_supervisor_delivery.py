"""What arrives first: what a process told, and then that it has ended; states before all else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exectrail.conventions import names
from exectrail.spool import Folder, LogLines, SpanFact, SpanLines, Spool, Stream
from exectrail.spool.destination import Answer
from exectrail.supervisor.delivery import Delivery
from exectrail.testing.sink import Answer as SinkAnswer
from exectrail.testing.sink import Sink

LINES = LogLines({names.WORKER_ID: "w"})


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


def spool(root: Path, name: str, delivery: Delivery) -> Spool:
    return Spool.create(root, name, {"endpoint": delivery.destination.endpoint})


def tell(where: Spool, event: str, stream: Stream = Stream.STATES) -> None:
    where.write(stream, LINES.line(event, 1, "INFO", {}))


def folder(where: Spool) -> Folder:
    assert where.folder is not None
    return where.folder


def test_the_end_of_a_process_arrives_after_its_last_words(tmp_path: Path, sink: Sink) -> None:
    delivery = Delivery(tmp_path, {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url})
    own = spool(tmp_path, "0-supervisor", delivery)
    workers = [spool(tmp_path, f"{number}-worker", delivery) for number in range(1, 4)]
    delivery.add_own(own)
    for worker in workers:
        delivery.add(folder(worker))
        tell(worker, names.EVENT_EXECUTION_PROGRESS, Stream.LOGS)
        tell(worker, names.EVENT_EXECUTION_STATE_CHANGED)
        tell(own, names.EVENT_WORKER_EXITED)
        worker.close()
        delivery.died(folder(worker))
    delivery.start()
    sink.wait_for(lambda: len(sink.logs) == 9)
    delivery.finish()
    own.close()
    assert [log.name for log in sink.logs] == [
        *[names.EVENT_EXECUTION_STATE_CHANGED] * 3,
        *[names.EVENT_WORKER_EXITED] * 3,
        *[names.EVENT_EXECUTION_PROGRESS] * 3,
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["0-supervisor"]


def amid(delivery: Delivery, what: Callable[[], None], request: int = 1) -> None:
    """Do something once, when that request was answered."""
    send, sent = delivery.destination.send, 0

    def send_and_do(signal: str, body: bytes, timeout_s: float = 0.0) -> Answer:
        nonlocal sent
        answer = send(signal, body, timeout_s)
        sent += 1
        if sent == request:
            what()
        return answer

    delivery.destination.send = send_and_do


def test_what_is_told_amid_a_round_waits_for_the_next(tmp_path: Path, sink: Sink) -> None:
    """A process may tell its end, and we that it ended, once its turn in a round is over."""
    delivery = Delivery(tmp_path, {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url})
    own = spool(tmp_path, "0-supervisor", delivery)
    worker = spool(tmp_path, "1-worker", delivery)
    another = spool(tmp_path, "2-worker", delivery)
    delivery.add_own(own)
    delivery.add(folder(worker))
    delivery.add(folder(another))
    tell(worker, names.EVENT_EXECUTION_STATE_CHANGED)
    tell(another, names.EVENT_WORKER_STARTED)
    tell(own, names.EVENT_WORKER_HEARTBEAT)

    def ends() -> None:
        tell(worker, names.EVENT_INFERENCE_USAGE)
        tell(own, names.EVENT_WORKER_EXITED)

    amid(delivery, ends)
    delivery.start()
    sink.wait_for(lambda: len(sink.logs) == 5)
    delivery.finish()
    for each in (own, worker, another):
        each.close()
    assert [log.name for log in sink.logs] == [
        names.EVENT_EXECUTION_STATE_CHANGED,
        names.EVENT_WORKER_STARTED,
        names.EVENT_WORKER_HEARTBEAT,
        names.EVENT_INFERENCE_USAGE,
        names.EVENT_WORKER_EXITED,
    ]


def test_word_of_a_death_waits_for_nobody_s_spans(tmp_path: Path, sink: Sink) -> None:
    """A process that begins and dies meanwhile is heard, and then its end is told."""
    delivery = Delivery(tmp_path, {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url})
    own = spool(tmp_path, "0-supervisor", delivery)
    busy = spool(tmp_path, "1-worker", delivery)
    brief = spool(tmp_path, "2-worker", delivery)
    delivery.add_own(own)
    delivery.add(folder(busy))
    busy.write(Stream.TRACES, SpanLines({}).line([SpanFact("late", 1, 1, 0, 1, 1, 2, {})]))
    sink.answer = SinkAnswer.HANG
    delivery.start()
    sink.wait_for(lambda: sink.requests == 1)
    sink.answer = SinkAnswer.OK  # of what comes from now on

    delivery.add(folder(brief))
    tell(brief, names.EVENT_EXECUTION_STATE_CHANGED)
    tell(own, names.EVENT_WORKER_EXITED)
    brief.close()
    delivery.died(folder(brief))

    told = [names.EVENT_EXECUTION_STATE_CHANGED, names.EVENT_WORKER_EXITED]
    sink.wait_for(lambda: len(sink.logs) == 2)
    assert ([log.name for log in sink.logs], sink.spans) == (told, [])
    sink.let_go()
    sink.wait_for(lambda: len(sink.spans) == 1)
    delivery.finish()
    for each in (own, busy):
        each.close()
    assert [log.name for log in sink.logs] == told
    assert [span.name for span in sink.spans] == ["late"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0-supervisor", "1-worker"]


def test_who_outlives_the_program_is_heard_until_it_is_let_go(tmp_path: Path, sink: Sink) -> None:
    """However long spans take: who goes silent while its supervisor ends would look dead."""
    delivery = Delivery(tmp_path, {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url})
    own = spool(tmp_path, "0-supervisor", delivery)
    program = spool(tmp_path, "1-worker", delivery)
    child = spool(tmp_path, "2-worker", delivery)
    delivery.add_own(own)
    delivery.add(folder(program))
    delivery.add(folder(child))
    program.write(Stream.TRACES, SpanLines({}).line([SpanFact("late", 1, 1, 0, 1, 1, 2, {})]))
    sink.answer = SinkAnswer.HANG
    delivery.start()
    sink.wait_for(lambda: sink.requests == 1)
    sink.answer = SinkAnswer.OK  # of what comes from now on

    program.close()
    delivery.died(folder(program))
    ending = threading.Thread(target=delivery.finish)
    ending.start()
    for count in (1, 2):
        tell(child, names.EVENT_WORKER_HEARTBEAT)
        sink.wait_for(lambda: len(sink.logs) == count)  # noqa: B023  asked at once
    assert sink.spans == []
    sink.let_go()
    ending.join()
    assert [span.name for span in sink.spans] == ["late"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0-supervisor", "2-worker"]
    with folder(child).claimed() as free:
        assert free
    for each in (own, child):
        each.close()


def test_what_dead_processes_left_keeps_no_living_one_waiting(
    tmp_path: Path, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exectrail.supervisor.delivery.LEFTOVERS_AFTER_S", 0.0)
    delivery = Delivery(tmp_path, {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url})
    left = spool(tmp_path, "0-left", delivery)
    tell(left, names.EVENT_WORKER_STARTED)
    left.close()
    worker = spool(tmp_path, "1-worker", delivery)
    delivery.add(folder(worker))
    sink.answer = SinkAnswer.HANG
    delivery.start()
    sink.wait_for(lambda: sink.requests == 1)
    sink.answer = SinkAnswer.OK  # of what comes from now on

    tell(worker, names.EVENT_WORKER_HEARTBEAT)
    sink.wait_for(lambda: len(sink.logs) == 1)
    sink.let_go()
    sink.wait_for(lambda: len(sink.logs) == 2)
    delivery.finish()
    worker.close()
    assert [log.name for log in sink.logs] == [
        names.EVENT_WORKER_HEARTBEAT,
        names.EVENT_WORKER_STARTED,
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["1-worker"]


def test_without_a_disk_an_end_waits_for_the_last_words_too(tmp_path: Path, sink: Sink) -> None:
    delivery = Delivery(tmp_path, {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url})
    own = Spool()  # memory alone
    worker = spool(tmp_path, "1-worker", delivery)
    delivery.add_own(own)
    delivery.add(folder(worker))
    tell(worker, names.EVENT_WORKER_STARTED)

    def ends() -> None:
        tell(worker, names.EVENT_EXECUTION_STATE_CHANGED)
        tell(own, names.EVENT_WORKER_EXITED)

    amid(delivery, ends)
    delivery.start()
    sink.wait_for(lambda: len(sink.logs) == 3)
    delivery.finish()
    worker.close()
    assert [log.name for log in sink.logs] == [
        names.EVENT_WORKER_STARTED,
        names.EVENT_EXECUTION_STATE_CHANGED,
        names.EVENT_WORKER_EXITED,
    ]


def test_many_ends_take_one_request_behind_all_last_words(tmp_path: Path, sink: Sink) -> None:
    delivery = Delivery(tmp_path, {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url})
    own = spool(tmp_path, "0-supervisor", delivery)
    delivery.add_own(own)
    for number in range(1, 31):
        worker = spool(tmp_path, f"{number}-worker", delivery)
        delivery.add(folder(worker))
        tell(worker, names.EVENT_EXECUTION_STATE_CHANGED)
        told = LogLines({names.WORKER_ID: f"{number}"})
        own.write(Stream.STATES, told.line(names.EVENT_WORKER_EXITED, 1, "INFO", {}))
        worker.close()
        delivery.died(folder(worker))
    delivery.start()
    sink.wait_for(lambda: len(sink.logs) == 60)
    delivery.finish()
    own.close()
    assert sink.requests == 1
    told = [log.name for log in sink.logs]
    assert told == [names.EVENT_EXECUTION_STATE_CHANGED] * 30 + [names.EVENT_WORKER_EXITED] * 30
    assert [path.name for path in tmp_path.iterdir()] == ["0-supervisor"]
