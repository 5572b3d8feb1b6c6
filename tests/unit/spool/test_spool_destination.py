"""Where it goes is what OpenTelemetry's variables say, and no secret of theirs is ever told."""

from __future__ import annotations

import gzip
import json

import pytest

from exectrail.spool import Destination
from exectrail.testing.sink import Answer, Sink

BODY = json.dumps({"resourceLogs": []}).encode()


@pytest.mark.parametrize(
    ("environment", "urls"),
    [
        ({}, ["http://127.0.0.1:4318/v1/logs", "http://127.0.0.1:4318/v1/traces"]),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c:4318/base/"},
            ["https://c:4318/base/v1/logs", "https://c:4318/base/v1/traces"],
        ),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c",
                "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://l/as/it/is",
            },
            ["http://l/as/it/is", "http://c/v1/traces"],
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "c:4318"},
            ["http://c:4318/v1/logs", "http://c:4318/v1/traces"],
        ),
    ],
)
def test_addresses(environment: dict[str, str], urls: list[str]) -> None:
    targets = Destination.from_environment(environment).targets
    assert [targets[signal].url for signal in ("logs", "traces")] == urls


def test_settings_of_a_signal_win_over_the_general_ones() -> None:
    targets = Destination.from_environment(
        {
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20x, b = 2",
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "c=3",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "nonsense",
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "2.5",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json",
            "OTEL_EXPORTER_OTLP_CERTIFICATE": "/ca.pem",
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "/c.pem",
            "OTEL_EXPORTER_OTLP_CLIENT_KEY": "/k.pem",
        }
    ).targets
    logs, traces = targets["logs"], targets["traces"]
    assert dict(logs.headers) == {"authorization": "Bearer x", "b": "2"}
    assert dict(traces.headers) == {"c": "3"}
    assert (logs.timeout_s, traces.timeout_s) == (10.0, 2.5)
    assert (logs.gzip, logs.protobuf, traces.protobuf) == (True, True, False)
    assert (logs.verify, logs.client_certificate) == ("/ca.pem", ("/c.pem", "/k.pem"))
    assert "Bearer" not in repr(logs)


@pytest.mark.parametrize("compression", ["", "gzip"])
@pytest.mark.parametrize("protocol", ["", "http/protobuf"])
def test_each_encoding_arrives(compression: str, protocol: str) -> None:
    with Sink() as sink:
        destination = Destination.from_environment(
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
                "OTEL_EXPORTER_OTLP_COMPRESSION": compression,
                "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            }
        )
        record = {"timeUnixNano": "1", "eventName": "e", "traceId": "0" * 31 + "1"}
        body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
        assert destination.send("logs", json.dumps(body).encode()).delivered
        assert [(log.name, log.record.trace_id.hex()) for log in sink.logs] == [
            ("e", "0" * 31 + "1")
        ]
        destination.close()
    assert gzip  # the sink decompresses


@pytest.mark.parametrize(
    ("answer", "refused", "words"),
    [
        (Answer.UNAVAILABLE, False, "answered 503"),
        (Answer.BAD_REQUEST, True, "answered 400"),
        (Answer.DROP, False, "cannot be reached"),
        (Answer.GARBAGE, False, "cannot be reached"),
        (Answer.HANG, False, "did not answer in time"),
    ],
)
def test_trouble_is_told_in_words_without_secrets(
    answer: Answer, refused: bool, words: str
) -> None:
    with Sink() as sink:
        sink.answer = answer
        url = sink.url.replace("//", "//user:pass@") + "/v1/logs?key=secret"
        destination = Destination.from_environment({"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": url})
        came = destination.send("logs", BODY, 0.3)
        assert (came.delivered, came.refused) == (False, refused)
        assert came.problem.startswith(f"{sink.url}/v1/logs ")
        assert came.problem.endswith(words)
        assert destination.endpoint == f"{sink.url}/v1/logs"
        destination.close()
