import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from exectrail.launch.destinations import Place, places, trouble


@pytest.fixture
def collector():
    """Address of a server that takes /v1/traces with the right key; the requests it got."""
    got: list[tuple[str, str | None, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, self.headers["Content-Type"], body))
            known = self.path == "/v1/traces"
            right = self.headers["x-key"] == "not-a-real-key"
            self.send_response(404 if not known else 200 if right else 401)
            self.end_headers()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", got
        server.shutdown()
        thread.join()


def test_signals_go_to_the_embedded_stack_by_default():
    assert places({}) == [
        Place(signal, "otlp", f"http://127.0.0.1:4318/v1/{signal}", "http/json")
        for signal in ("traces", "logs", "metrics")
    ]


def test_the_variables_of_one_signal_win_and_its_endpoint_is_taken_as_it_is():
    traces, logs, metrics = places(
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://all:4318/",
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://logs:9/in",
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc",
            "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "http/protobuf",
            "OTEL_METRICS_EXPORTER": "none",
        }
    )

    assert traces == Place("traces", "otlp", "http://all:4318/v1/traces", "grpc")
    assert logs == Place("logs", "otlp", "http://logs:9/in", "http/protobuf")
    assert metrics == Place("metrics", "none", "", "")


def test_a_collector_that_takes_an_empty_export_is_no_trouble(
    collector: tuple[str, list[tuple[str, str | None, bytes]]],
):
    url, got = collector
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-key=not-a-real-key",
    }

    assert trouble(places(environment)[0], environment) == ""
    assert got == [("/v1/traces", "application/json", b"{}")]

    protobuf = environment | {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
    assert trouble(places(protobuf)[0], protobuf) == ""
    assert got[1:] == [("/v1/traces", "application/x-protobuf", b"")]


def test_what_is_wrong_is_told(collector: tuple[str, list[tuple[str, str | None, bytes]]]):
    url, _ = collector
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": url}
    traces, logs, _ = places(environment)

    told = "answered 401: see OTEL_EXPORTER_OTLP_HEADERS for the token"
    assert trouble(traces, environment) == told
    assert trouble(logs, environment) == "answered 404"
    nobody = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    assert trouble(places(nobody)[0], nobody) == "cannot be reached"
    assert "OTLP over HTTP" in trouble(Place("logs", "otlp", "http://c:4317", "grpc"), {})
    assert "http" in trouble(Place("logs", "otlp", "ftp://c", "http/json"), {})
    assert trouble(Place("logs", "none", "", ""), {}) == ""


def test_passwords_and_tokens_of_an_address_are_not_shown():
    address = "https://user:not-a-real-secret@collector:4318/v1/logs?token=fake#x"
    _, logs, _ = places({"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": address})

    assert logs.url == "https://collector:4318/v1/logs"
