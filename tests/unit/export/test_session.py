"""Whether a receiver fails is known at once, and whatever the program does with its log."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

import pytest
import requests
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import SpanKind

from exectrail.export import Pipeline, exporters, from_environment
from exectrail.export.exporters import troubled, watched_session
from exectrail.testing.sink import Answer, Sink


@pytest.fixture
def sink() -> Iterator[Sink]:
    exporters._trouble.clear()
    with Sink() as sink:
        yield sink
    exporters._trouble.clear()


@pytest.mark.parametrize("answer", [Answer.UNAVAILABLE, Answer.BAD_REQUEST, Answer.DROP])
def test_trouble_is_known_from_the_first_try_to_the_next_success(
    sink: Sink, answer: Answer
) -> None:
    with watched_session() as session:
        assert session.post(sink.url, b"").ok
        assert not troubled()
        sink.answer = answer
        with contextlib.suppress(requests.ConnectionError):
            session.post(sink.url, b"")
        assert troubled()
        sink.answer = Answer.OK
        session.post(sink.url, b"")
        assert not troubled()


def test_a_receiver_that_is_not_there_is_trouble(sink: Sink) -> None:
    sink.close()
    with watched_session() as session, pytest.raises(requests.ConnectionError):
        session.post(sink.url, b"")
    assert troubled()


@pytest.mark.parametrize("signal", ["spans", "logs", "metrics"])
def test_exporters_of_all_signals_are_watched_with_the_log_switched_off(
    sink: Sink, monkeypatch: pytest.MonkeyPatch, signal: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url)
    for other in {"spans", "logs", "metrics"} - {signal}:
        variable = {"spans": "TRACES"}.get(other, other.upper())
        monkeypatch.setenv(f"OTEL_{variable}_EXPORTER", "none")
    sink.answer = Answer.BAD_REQUEST
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)
    pipeline: Pipeline = from_environment(Resource({}), "0")
    pipeline.meter.create_counter("c").add(1)
    pipeline.records.write("e", 1, "INFO", {}, None)
    span = pipeline.spans.start("s", SpanKind.INTERNAL, 1, {}, None)
    pipeline.spans.end(span, 2, {}, None)
    assert not pipeline.troubled()
    pipeline.flush()
    assert pipeline.troubled()
    assert sink.requests >= 1
    pipeline.close()


@pytest.mark.parametrize(
    "variable",
    [
        "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER",
        "OTEL_PYTHON_EXPORTER_OTLP_HTTP_LOGS_CREDENTIAL_PROVIDER",
    ],
)
def test_a_session_of_the_users_own_is_left_to_opentelemetry(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "theirs")
    assert watched_session() is None
