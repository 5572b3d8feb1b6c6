"""Settings are followed, providers of the user's used, and wrong variables stop nothing."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider

import exectrail
from exectrail import runtime
from exectrail.config import Config
from exectrail.conventions import names
from exectrail.testing.sink import Sink

from .conftest import run, told


def test_texts_and_values_follow_the_settings(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url)
    runtime.arm(Config(errors="type", capture_content=True))
    with exectrail.workflow("w") as run:
        run.set_variable("v", [1])
        run.progress(0.5, "half")
        run.fail(ValueError("text"))
    runtime.flush()
    assert {log.attributes.get(names.VARIABLE_VALUE) for log in sink.logs} == {None, "[1]"}
    assert not any("half" in repr(log) or "'text'" in repr(log) for log in sink.logs)

    runtime.shutdown()
    sink.logs.clear()
    runtime.arm(Config(error_limit=6))
    with exectrail.workflow("w") as run:
        run.set_variable("v", [1])
        run.progress(0.5, "half of it all")
    runtime.flush()
    assert {log.attributes.get(names.VARIABLE_VALUE) for log in sink.logs} == {None}
    [message] = [
        log.attributes[names.EXECUTION_MESSAGE]
        for log in sink.logs
        if names.EXECUTION_MESSAGE in log.attributes
    ]
    assert len(message) <= 6


def test_users_prices_are_used_and_bad_ones_are_not(
    sink: Sink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url)
    file = tmp_path / "prices.toml"
    file.write_text('[[price]]\nmodel = "acme-1"\ninput = "2"\noutput = "10"\n')
    for prices in (str(file), str(tmp_path / "missing.toml")):
        runtime.arm(Config(prices=prices))
        with exectrail.workflow("w"):
            exectrail.usage("acme", "acme-1", input_tokens=1_000_000, output_tokens=0)
            exectrail.usage("openai", "gpt-4o", input_tokens=1_000_000, output_tokens=0)
        runtime.flush()
        runtime.shutdown()
    sources = [
        str(log.attributes[names.COST_SOURCE])
        for log in sink.logs
        if log.name == names.EVENT_INFERENCE_USAGE
    ]
    assert sources == ["priced", "priced", "unknown", "priced"]
    assert [r for r in caplog.records if "prices of genai-prices alone" in r.getMessage()]


def test_the_users_providers_are_used_and_left_open(armed: Sink) -> None:
    ended: list[str] = []

    class Theirs(LogRecordExporter):
        def export(self, batch: Any) -> LogRecordExportResult:
            return LogRecordExportResult.SUCCESS

        def shutdown(self) -> None:
            ended.append("logs")

        def force_flush(self, timeout_millis: int = 0) -> bool:
            return True

    tracers = TracerProvider(shutdown_on_exit=False)
    loggers = LoggerProvider(shutdown_on_exit=False)
    meters = MeterProvider(shutdown_on_exit=False)
    flushed: list[object] = []
    for provider in (tracers, loggers, meters):
        provider.force_flush = lambda *_, p=provider: bool(flushed.append(p)) or True  # pyright: ignore[reportAttributeAccessIssue]
        provider.shutdown = lambda *_: ended.append("theirs")  # pyright: ignore[reportAttributeAccessIssue]
    given = {"tracer_provider": tracers, "logger_provider": loggers, "meter_provider": meters}
    assert runtime.arm(Config(), providers=given)  # wins over our own, nothing was reported yet
    with exectrail.workflow("w"):
        pass
    runtime.flush()
    assert flushed == [loggers, tracers, meters]
    runtime.shutdown()
    assert ended == []
    assert armed.requests == 0


WRONG = {
    "OTEL_EXPORTER_OTLP_TIMEOUT": "soon",
    "OTEL_EXPORTER_OTLP_COMPRESSION": "squeeze",
    "OTEL_EXPORTER_OTLP_HEADERS": "no header at all;;",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "carrier-pigeon",
    "OTEL_BSP_MAX_QUEUE_SIZE": "-5",
    "OTEL_BSP_SCHEDULE_DELAY": "nan",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "0",
    "OTEL_BLRP_MAX_QUEUE_SIZE": "7",  # less than a batch
    "OTEL_BLRP_SCHEDULE_DELAY": "inf",
    "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "many",
    "OTEL_METRIC_EXPORT_INTERVAL": "0",
    "OTEL_METRIC_EXPORT_TIMEOUT": "never",
    "OTEL_TRACES_SAMPLER": "dice",
    "OTEL_TRACES_SAMPLER_ARG": "two",
    "OTEL_ATTRIBUTE_COUNT_LIMIT": "-1",
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": "x",
    "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=shop,process.pid=-1,host.name=",
    "OTEL_TRACES_EXPORTER": "smoke-signals",
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "sideways",
    "EXECTRAIL_LEASE": "nan",
    "EXECTRAIL_ERROR_LIMIT": "many",
    "EXECTRAIL_ERRORS": "none",
    "EXECTRAIL_PRICES": "/nowhere/prices.toml",
    "EXECTRAIL_CONFIG": "/nowhere/exectrail.toml",
}
PROGRAM = """
    runtime.arm()
    with exectrail.workflow("w"), exectrail.step("s"):
        exectrail.usage("openai", "gpt-4o", input_tokens=1, output_tokens=1)
    runtime.flush()
"""


def test_wrong_variables_stop_nothing_and_say_nothing(sink: Sink) -> None:
    done = run(PROGRAM, **WRONG, OTEL_EXPORTER_OTLP_ENDPOINT=sink.url)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [state for _, state in told(sink)] == ["running", "running", "completed", "completed"]
    assert [span.name for span in sink.spans] == ["chat gpt-4o", "step s", "invoke_workflow w"]
    assert sink.logs[0].resource[names.SERVICE_NAMESPACE] == "shop"


def test_a_variable_that_stops_opentelemetry_itself_stops_no_program(sink: Sink) -> None:
    done = run(
        PROGRAM + "    print('out')\n",
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
        OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT="few",  # its SDK cannot even be imported
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "out\n", "")


def test_a_program_with_a_log_gets_one_line_for_each_of_our_troubles() -> None:
    done = run(
        "import logging; logging.basicConfig()\n" + textwrap.dedent(PROGRAM),
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
        OTEL_EXPORTER_OTLP_TIMEOUT="0.1",
        EXECTRAIL_ERROR_LIMIT="many",
    )
    lines = done.stderr.splitlines()
    assert all(line.startswith("WARNING:exectrail:exectrail: ") for line in lines)
    assert len(lines) == len(set(lines))
    assert any("setting error_limit cannot be read" in line for line in lines)


@pytest.mark.parametrize("exporter", ["none", "console"])
def test_exporters_are_chosen_by_the_standard_variables(sink: Sink, exporter: str) -> None:
    done = run(
        PROGRAM,
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
        OTEL_TRACES_EXPORTER=exporter,
        OTEL_LOGS_EXPORTER=exporter,
        OTEL_METRICS_EXPORTER=exporter,
    )
    assert (done.returncode, done.stderr, sink.requests) == (0, "", 0)
    shown = ('"name": "step s"' in done.stdout, names.METRIC_EXECUTION_ACTIVE in done.stdout)
    assert shown == ((exporter == "console"),) * 2
