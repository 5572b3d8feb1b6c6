"""What a program logs inside an execution, or prints there, is sent along; its output stays."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from exectrail.conventions import names
from exectrail.testing.sink import SentLog, Sink

BODY = """
def outside():
    log.warning("outside of any execution")

class Odd:
    def __str__(self):
        raise ValueError("no text")

    def __repr__(self):
        return "Odd"

def inside():
    log.debug("a detail of %s", "this")
    log.info("an information")
    log.warning("token=ghp_0123456789abcdefghijklmnopqrstuvwxyz was sent")
    log.error("an error", extra={"secret_extra": "not sent"})
    log.log(5, "below debug")
    log.critical("the end")
    log.warning("bad arguments: %d", "text")
    log.warning("odd: %s", Odd())
    quiet.warning("of a logger that does not propagate")
    logging.getLogger("exectrail.own").warning("of exectrail itself")
    logging.getLogger("opentelemetry.sdk").warning("of the exporters")
    sends = contextvars.copy_context().run, (log.warning, "of a thread of ours")
    thread = threading.Thread(target=sends[0], args=sends[1], name="exectrail-worker")
    thread.start()
    thread.join()
    try:
        raise LookupError("password=hunter2secret no such thing")
    except LookupError:
        log.exception("it failed")

outside()
with exectrail.workflow("night") as night:
    with exectrail.step("look"):
        inside()
outside()
print("handlers", logging.root.handlers, log.handlers, len(log.filters), logging.root.level)
logging.basicConfig(format="late %(message)s", stream=sys.stdout)
log.warning("after basicConfig")
"""
START = """
import contextvars, logging, logging.config, sys, threading
import exectrail
exectrail.instrument()
log = logging.getLogger("shop.orders")
quiet = logging.getLogger("shop.quiet")
"""
SET_UPS = {
    "unconfigured": "",
    "basicConfig": "logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format="
    "'%(levelname)s %(name)s %(funcName)s %(lineno)d %(message)s')",
    "dictConfig": """
logging.config.dictConfig({
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"no": {"()": "__main__.NoInformation"}},
    "formatters": {"plain": {"format": "%(levelname)s %(message)s"}},
    "handlers": {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout",
                         "formatter": "plain", "level": "WARNING"}},
    "root": {"level": "DEBUG", "handlers": ["out"]},
    "loggers": {"shop.orders": {"filters": ["no"]}},
})
""",
    "propagate=False": "quiet.propagate = False\nquiet.setLevel('ERROR')\nquiet.addHandler("
    "logging.StreamHandler(sys.stdout))",
    "failing handler": """
class Failing(logging.StreamHandler):
    def emit(self, record):
        try:
            raise RuntimeError("handler")
        except RuntimeError:
            self.handleError(record)
log.addHandler(Failing())
""",
}
FILTER = """
class NoInformation(logging.Filter):
    def filter(self, record):
        return record.levelno != logging.INFO
"""


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


def run(program: str, sink: Sink, spool: str, **variables: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **os.environ,
            "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "EXECTRAIL_SPOOL": spool,
            **variables,
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def sent(sink: Sink) -> list[SentLog]:
    """The log records that are no events, once the program's end was told."""
    sink.wait_for(lambda: any(log.name == names.EVENT_WORKER_EXITED for log in sink.logs))
    return [log for log in sink.logs if not log.name]


@pytest.mark.parametrize("set_up", SET_UPS.values(), ids=SET_UPS)
def test_the_programs_output_is_as_without(set_up: str, sink: Sink, tmp_path):
    program = START + FILTER + set_up + BODY

    without = run(program, sink, str(tmp_path), EXECTRAIL_LOGS="0")
    assert sent(sink) == []
    sink.logs.clear()
    with_logs = run(program, sink, str(tmp_path), EXECTRAIL_LOGS="1")

    assert [part.splitlines() for part in with_logs[1:]] == [
        part.splitlines() for part in without[1:]
    ]
    assert with_logs == without
    assert without[0] == 0
    assert sent(sink) != []


def test_records_of_an_execution_are_sent_scrubbed_with_where_they_were_written(
    sink: Sink, tmp_path
):
    program = START + FILTER + SET_UPS["basicConfig"] + BODY
    code, _out, err = run(program, sink, str(tmp_path), EXECTRAIL_LOGS="1")
    assert code == 0, err
    logs = sent(sink)
    events = [log for log in sink.logs if log.name == names.EVENT_EXECUTION_STATE_CHANGED]
    step = next(e for e in events if e.attributes[names.EXECUTION_NAME] == "look")

    assert [(log.record.severity_text, log.record.body.string_value) for log in logs] == [
        ("DEBUG", "a detail of this"),
        ("INFO", "an information"),
        ("WARN", "token=[redacted:github] was sent"),
        ("ERROR", "an error"),
        ("FATAL", "the end"),
        ("WARN", "bad arguments: %d"),
        ("WARN", "odd: %s"),
        ("WARN", "of a logger that does not propagate"),
        ("ERROR", "it failed"),
    ]
    assert [log.record.severity_number for log in logs] == [5, 9, 13, 17, 21, 13, 13, 13, 17]
    for log in logs:
        assert log.record.trace_id == step.record.trace_id
        assert log.record.span_id == step.record.span_id
    last = dict(logs[-1].attributes)
    assert last.pop(names.CODE_LINE_NUMBER) > 20
    assert last == {
        names.EXECUTION_ID: step.attributes[names.EXECUTION_ID],
        names.EXECUTION_ROOT_ID: step.attributes[names.EXECUTION_ROOT_ID],
        names.EXECUTION_KIND: "step",
        names.EXECUTION_NAME: "look",
        names.LOG_LOGGER: "shop.orders",
        names.CODE_FILE_PATH: "<string>",
        names.CODE_FUNCTION_NAME: "inside",
        names.EXCEPTION_TYPE: "LookupError",
        names.EXCEPTION_MESSAGE: "password=[redacted:secret] no such thing",
    }


def test_what_a_logger_refuses_is_not_sent(sink: Sink, tmp_path):
    program = START + FILTER + SET_UPS["dictConfig"] + BODY
    run(program, sink, str(tmp_path), EXECTRAIL_LOGS="1")

    assert "an information" not in [log.record.body.string_value for log in sent(sink)]


def test_the_type_of_an_error_alone_is_kept_where_that_is_asked_for(sink: Sink, tmp_path):
    program = START + FILTER + BODY
    run(program, sink, str(tmp_path), EXECTRAIL_LOGS="1", EXECTRAIL_ERRORS="type")
    last = sent(sink)[-1].attributes

    assert last[names.EXCEPTION_TYPE] == "LookupError"
    assert names.EXCEPTION_MESSAGE not in last


def test_switching_off_leaves_logging_as_it_was():
    program = """
import logging, exectrail
before = dict(vars(logging.Logger))
exectrail.instrument()
exectrail.instrument()
assert vars(logging.Logger)["filter"].__module__ == "exectrail.autoload.logs"
exectrail.uninstrument()
assert dict(vars(logging.Logger)) == before, set(vars(logging.Logger)) ^ set(before)
"""
    environment = {**os.environ, "EXECTRAIL_LOGS": "1"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True)

    assert (done.returncode, done.stderr.decode()) == (0, "")


def test_a_runs_log_is_shown_with_it(stack, tmp_path):
    program = """
import logging, exectrail
exectrail.instrument()
log = logging.getLogger("shop.orders")
with exectrail.workflow("night") as night:
    log.warning("outside of the step")
    with exectrail.step("look") as step:
        log.error("inside, password=hunter2secret")
print(night.id, step.id)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **os.environ,
            "OTEL_EXPORTER_OTLP_ENDPOINT": stack.otlp_endpoint,
            "EXECTRAIL_SPOOL": str(tmp_path),
            "EXECTRAIL_LOGS": "1",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    run_id, step_id = done.stdout.split()

    def show(execution_id: str) -> list[dict[str, Any]]:
        words = ["show", execution_id, "--logs", "--json", "--url", stack.clickhouse_url]
        command = [sys.executable, "-m", "exectrail", *words]
        shown = subprocess.run(command, capture_output=True, text=True, timeout=60)
        return json.loads(shown.stdout)["logs"] if shown.returncode == 0 else []

    deadline = time.monotonic() + 20
    while len(show(run_id)) < 2 and time.monotonic() < deadline:
        pass

    assert [(log["severity"], log["logger"], log["body"], log["name"]) for log in show(run_id)] == [
        ("WARN", "shop.orders", "outside of the step", "night"),
        ("ERROR", "shop.orders", "inside, password=[redacted:secret]", "look"),
    ]
    [line] = show(step_id)
    assert (line["execution_id"], line["source_file"], line["source_line"]) == (
        step_id,
        "<string>",
        8,
    )


PRINTS = """
import sys, threading
import exectrail

def say(text):
    print(text)
    sys.stdin.readline()

say("before")
with exectrail.workflow("night") as night:
    say("of the run")
    with exectrail.step("look"):
        say("of its step")
    with exectrail.workflow("part"):
        say("of its part")
    say("near its end")
say("after")

def work(name):
    with exectrail.workflow(name):
        both.wait()
        if name == "one":
            say("of one of two")
        both.wait()

both = threading.Barrier(2)
threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(night.id)
"""


def test_a_supervisor_keeps_a_line_of_output_with_the_only_run_that_is_open(stack, tmp_path):
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "exectrail",
            "run",
            "--capture-output",
            sys.executable,
            "-c",
            PRINTS,
        ],
        env={
            **os.environ,
            "OTEL_EXPORTER_OTLP_ENDPOINT": stack.otlp_endpoint,
            "EXECTRAIL_SPOOL": str(tmp_path),
            "PYTHONUNBUFFERED": "1",
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:  # the next one is said when this one has passed
            lines.append(line.strip())
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write("\n")
                process.stdin.flush()
    assert len(lines) == 8
    run_id = lines[-1]

    def show() -> list[dict[str, Any]]:
        words = ["show", run_id, "--logs", "--json", "--url", stack.clickhouse_url]
        command = [sys.executable, "-m", "exectrail", *words]
        shown = subprocess.run(command, capture_output=True, text=True, timeout=60)
        return json.loads(shown.stdout)["logs"] if shown.returncode == 0 else []

    deadline = time.monotonic() + 20
    while len(show()) < 3 and time.monotonic() < deadline:
        pass
    found = [(log["name"], log["stream"], log["body"]) for log in show()]
    assert found[:3] == [
        ("night", "stdout", "of the run"),
        ("night", "stdout", "of its step"),
        ("night", "stdout", "of its part"),
    ]
    # One that is read when the run has ended, however shortly, is not kept with it.
    assert found[3:] in ([], [("night", "stdout", "near its end")])
