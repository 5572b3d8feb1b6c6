"""Whether a receiver fails is known at once, and whatever the program does with its log."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import SpanKind

from exectrail.conventions import names
from exectrail.export import Pipeline, from_environment
from exectrail.spool import Destination, Folder, Shipper, Spool, Stream, folders
from exectrail.testing.sink import Answer, Sink


@pytest.fixture
def sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    monkeypatch.setenv("EXECTRAIL_SPOOL", str(tmp_path))
    with Sink() as sink:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url)
        yield sink


def report(pipeline: Pipeline) -> None:
    """One of each signal."""
    pipeline.meter.create_counter("c").add(1)
    pipeline.meter.create_histogram("h").record(0.5)
    pipeline.records.write(names.EVENT_EXECUTION_STATE_CHANGED, 1, "INFO", {"a": 1}, None)
    pipeline.records.write(names.EVENT_EXECUTION_PROGRESS, 1, "DEBUG", {}, None)
    span = pipeline.spans.start("s", SpanKind.INTERNAL, 1, {"k": "v"}, None)
    pipeline.spans.end(span, 2, {}, None)


def resource(worker: str) -> Resource:
    return Resource({names.WORKER_ID: worker, names.SERVICE_NAME: "tests"})


@pytest.mark.parametrize("spool", ["disk", "off"])
@pytest.mark.parametrize("answer", [Answer.UNAVAILABLE, Answer.DROP, Answer.GARBAGE])
def test_what_a_failing_receiver_does_not_take_is_delivered_when_it_does(
    sink: Sink, monkeypatch: pytest.MonkeyPatch, answer: Answer, spool: str
) -> None:
    if spool == "off":
        monkeypatch.setenv("EXECTRAIL_SPOOL", "off")
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)
    sink.answer = answer
    pipeline = from_environment(resource("w"), "0")
    assert pipeline.durable() is (spool == "disk")
    report(pipeline)
    pipeline.flush()
    assert pipeline.troubled()
    sink.answer = Answer.OK
    sink.wait_for(lambda: bool(sink.spans and sink.metrics and len(sink.logs) >= 2))
    pipeline.flush()
    assert not pipeline.troubled()
    pipeline.close(5)
    assert {log.name for log in sink.logs} == {
        names.EVENT_EXECUTION_STATE_CHANGED,
        names.EVENT_EXECUTION_PROGRESS,
    }
    assert [(span.name, dict(span.attributes)) for span in sink.spans] == [("s", {"k": "v"})]
    assert {metric.name for metric in sink.metrics} == {"c", "h"}


def test_what_nobody_takes_stays_in_the_spool_and_the_next_process_delivers_it(
    sink: Sink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink.answer = Answer.UNAVAILABLE
    pipeline = from_environment(resource("0-first"), "0")
    report(pipeline)
    pipeline.close(1)
    (left,) = folders(tmp_path)
    assert not left.alive()
    assert [len(left.numbers(stream)) for stream in Stream] == [1, 1, 1, 1]
    for file in tmp_path.glob("*/*.jsonl"):
        for line in file.read_text().splitlines():
            assert list(json.loads(line)) == [
                {
                    "states": "resourceLogs",
                    "logs": "resourceLogs",
                    "metrics": "resourceMetrics",
                    "traces": "resourceSpans",
                }[file.name.split("-")[0]]
            ]
    assert sink.spans == []
    sink.answer = Answer.OK
    monkeypatch.setattr("exectrail.export.handover.LEFTOVERS_AFTER_S", 0.0)
    after = from_environment(resource("1-second"), "0")
    after.records.write(names.EVENT_WORKER_STARTED, 1, "INFO", {}, None)
    sink.wait_for(lambda: bool(sink.spans and sink.metrics) and len(sink.logs) == 3)
    after.close(5)
    assert folders(tmp_path) == []


def test_what_is_refused_for_good_is_dropped_and_holds_nothing_up(sink: Sink) -> None:
    sink.answer = Answer.BAD_REQUEST
    pipeline = from_environment(resource("w"), "0")
    report(pipeline)
    pipeline.flush()
    assert not pipeline.troubled()
    sink.answer = Answer.OK
    pipeline.records.write(names.EVENT_WORKER_STARTED, 1, "INFO", {}, None)
    pipeline.flush()
    assert [log.name for log in sink.logs] == [names.EVENT_WORKER_STARTED]
    pipeline.close(5)


def test_a_supervised_process_leaves_shipping_to_its_supervisor_until_that_is_gone(
    sink: Sink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXECTRAIL_SUPERVISOR", "somebody")
    pipeline = from_environment(resource("w"), "0")
    (folder,) = folders(tmp_path)
    assert folder.about()["supervisor"] == "somebody"
    with folder.claimed() as ours:
        assert ours
        report(pipeline)
        pipeline.flush()
        assert (sink.requests, pipeline.durable()) == (0, True)
    sink.wait_for(lambda: bool(sink.spans))
    pipeline.close(5)


def test_a_process_whose_supervisor_has_just_gone_delivers_its_end_itself(
    sink: Sink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXECTRAIL_SUPERVISOR", "somebody")
    monkeypatch.setattr("exectrail.export.handover.GRACE_S", 0.0)
    monkeypatch.setattr("exectrail.export.handover.CLAIM_AGAIN_S", 60.0)
    asked, gone = threading.Event(), threading.Event()
    claim = Folder.claim

    def ask(folder: Folder) -> IO[bytes] | None:
        asked.set()
        return claim(folder) if gone.is_set() else None

    monkeypatch.setattr(Folder, "claim", ask)
    pipeline = from_environment(resource("w"), "0")
    assert asked.wait(10)
    gone.set()
    report(pipeline)
    pipeline.close(5)
    assert (len(sink.logs), len(sink.spans)) == (2, 1)
    assert folders(tmp_path) == []


def test_a_supervised_process_sends_itself_what_its_disk_did_not_take(
    sink: Sink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXECTRAIL_SUPERVISOR", "somebody")
    pipeline = from_environment(resource("w"), "0")
    (folder,) = folders(tmp_path)
    with folder.claimed() as ours, monkeypatch.context() as full:
        assert ours
        full.setattr(Spool, "_to_disk", lambda *_: False)
        report(pipeline)
        sink.wait_for(lambda: bool(sink.spans) and len(sink.logs) == 2)
        pipeline.records.write(names.EVENT_WORKER_EXITED, 1, "INFO", {}, None)
        pipeline.close(5)
        assert {log.name for log in sink.logs} == {
            names.EVENT_EXECUTION_STATE_CHANGED,
            names.EVENT_EXECUTION_PROGRESS,
            names.EVENT_WORKER_EXITED,
        }


def test_what_the_disk_did_not_take_does_not_overtake_what_it_took(
    sink: Sink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the word of the end could be there before word of what had ended."""
    monkeypatch.setenv("EXECTRAIL_SUPERVISOR", "somebody")
    pipeline = from_environment(resource("w"), "0")
    (folder,) = folders(tmp_path)
    with folder.claimed() as ours, monkeypatch.context() as full:
        assert ours
        pipeline.records.write(names.EVENT_WORKER_STARTED, 1, "INFO", {}, None)
        full.setattr(Spool, "_to_disk", lambda *_: False)
        pipeline.records.write(names.EVENT_WORKER_EXITED, 1, "INFO", {}, None)
        closing = threading.Thread(target=pipeline.close, args=(5,))
        closing.start()
        destination = Destination.from_environment()
        Shipper(folder, destination).ship()
        destination.close()
        closing.join()
    assert [log.name for log in sink.logs] == [
        names.EVENT_WORKER_STARTED,
        names.EVENT_WORKER_EXITED,
    ]
