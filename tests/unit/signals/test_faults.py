"""Faults of ours: the program does what it does without us, and what can still be told is told."""

from __future__ import annotations

import contextlib
import contextvars
import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

import exectrail
from exectrail.execution import Recorder, Usage
from exectrail.signals import redaction
from exectrail.signals.events import Events
from exectrail.signals.metrics import Metrics
from exectrail.signals.spans import LateSpans
from exectrail.testing.harness import Harness
from exectrail.testing.sink import Sink

RECORDER = sorted(n for n, _ in inspect.getmembers(Recorder, inspect.isfunction) if n[0] != "_")


def broken(*_arguments: object, **_more: object) -> NoReturn:
    raise RuntimeError("ours")


# -- the program is the same, down to its output --------------------------------------------------

PROGRAM = """
import asyncio, contextlib, sys
import exectrail
from exectrail.execution import PlanStep

def program():
    seen = []

    @exectrail.step
    def plain(a):
        exectrail.progress(0.5, "half", completed=1, planned=2)
        exectrail.variable("city", {"name": "Oslo"})
        exectrail.artifact("f", "https://user:fake@example.com/f", size=3)
        exectrail.resource_usage(cpu_seconds=1.5)
        exectrail.plan([PlanStep("a"), "b"])
        exectrail.plan_step("a", "completed")
        seen.append(exectrail.result("r", a, check=lambda value: value > 1))
        exectrail.error(ValueError("small"))
        exectrail.usage("openai", "gpt-4o", input_tokens=10, output_tokens=2)
        return a + 1

    @exectrail.tool
    def failing():
        raise LookupError("no such tool sk-" + "fake0" * 6)

    @exectrail.agent("writer")
    async def agent(n):
        await asyncio.sleep(0)
        return [plain(n), [item async for item in words(n)]]

    @exectrail.task
    async def words(n):
        for word in range(n):
            yield word

    @exectrail.step
    def letters():
        try:
            yield from "abc"
        finally:
            seen.append("closed")

    with exectrail.workflow("office", resume_key="k", tags={"a": "b"}) as run:
        seen.append(asyncio.run(agent(2)))
        try:
            failing()
        except LookupError as error:
            seen.append((type(error).__name__, str(error), error.__context__, error.__cause__))
        for letter in letters():
            seen.append(letter)
            break
        exectrail.pause()
        exectrail.resume()
        seen.append(exectrail.status("IN_PROGRESS"))
        print("out", file=sys.stdout)
        print("err", file=sys.stderr)
    own = exectrail.start("task", "by hand")
    exectrail.block(of=own)
    exectrail.cancel(of=own)
    return seen
"""

DRIVER = '''
import json, os, sys, tempfile, time

{program}

from exectrail import execution, export, pricing, runtime, signals
from exectrail.api import block, report, run
from exectrail.config import Config
from exectrail.export import handover, spooling
from exectrail.spool import Destination, Folder, LogLines, SpanLines, Spool
from exectrail.signals import events, metrics, money, recorder, spans, worker
from opentelemetry import metrics as otel_metrics
from opentelemetry.sdk._logs import LoggerProvider, _internal as sdk_logs
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics._internal.instrument import _Counter, _Histogram, _UpDownCounter
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider, Span

def broken(*_, **__):
    raise RuntimeError("ours")

class Theirs(SpanProcessor):
    on_start = on_end = broken

class TheirRecords:
    on_emit = broken
    def enabled(self, **_): return True
    def shutdown(self): pass
    def force_flush(self, timeout_millis=0): return True

def users_providers(spans_processor=None, logs=None):
    tracers = TracerProvider(shutdown_on_exit=False)
    loggers = LoggerProvider(shutdown_on_exit=False)
    if spans_processor: tracers.add_span_processor(spans_processor)
    if logs: loggers.add_log_record_processor(logs)
    return dict(tracer_provider=tracers, logger_provider=loggers,
                meter_provider=MeterProvider(shutdown_on_exit=False))

def on(owner, name):
    return lambda: setattr(owner, name, broken)

def engine(name):
    def late():
        runtime.executions()
        setattr(runtime.executions(), name, broken)
    return late

FAULTS = dict([
    *((f"recorder.{{n}}", on(recorder.OTelRecorder, n)) for n in {recorder}),
    ("clock", engine("now_ns")), ("ids", engine("new_id")), ("worker's id", on(runtime, "uuid7")),
    ("scrub", on(recorder, "scrub")), ("scrub_url", on(recorder, "scrub_url")),
    ("price", on(pricing.PriceTable, "price")), ("warm", on(pricing.PriceTable, "warm")),
    ("price table", on(pricing.PriceTable, "__init__")),
    ("spool", on(Spool, "create")), ("spool.write", on(Spool, "write")),
    ("the disk", on(Spool, "_to_disk")), ("memory", on(Spool, "_to_memory")),
    ("lines", on(LogLines, "line")), ("span lines", on(SpanLines, "line")),
    ("metric lines", on(spooling, "metrics_line")),
    ("waiting spans", on(spooling.SpoolSpans, "write_waiting")),
    ("shipping", on(handover.Shipper, "ship")), ("handover", on(handover.Handover, "__init__")),
    ("the thread", on(handover.Handover, "start")), ("ending", on(handover.Handover, "close")),
    ("destination", on(Destination, "from_environment")), ("sending", on(Destination, "send")),
    ("claim", on(Folder, "claim")), ("reading", on(Folder, "read")),
    ("pipeline", on(export, "from_environment")), ("resource", on(export, "worker_resource")),
    ("spans.start", on(spans.OwnSpans, "start")), ("spans.end", on(spooling.SpoolSpans, "end")),
    ("attach", on(spans.SpanHandle, "attach")), ("detach", on(spans.Attached, "detach")),
    ("records", on(spooling.SpoolRecords, "write")), ("events", on(events.Events, "emit")),
    ("metrics.note", on(metrics.Metrics, "note")), ("metrics.drain", on(metrics.Metrics, "drain")),
    ("counter", on(_Counter, "add")), ("histogram", on(_Histogram, "record")),
    ("active", on(_UpDownCounter, "add")),
    ("identity", on(recorder, "identity")), ("origin", on(recorder, "origin")),
    ("worker's beat", on(worker.Worker, "_tell")), ("worker", on(worker.Worker, "start")),
    ("transition", on(execution.execution, "Transition")),
    ("variable", on(execution.Variable, "of")), ("plan", on(execution.Plan, "revise")),
    ("error", on(execution.ErrorInfo, "of")), ("call", on(execution.ModelCall, "_tell")),
    ("result", on(execution.execution, "check")), ("finish", on(run, "finish")),
    ("current", on(report, "current_execution")), ("executions", on(run, "executions")),
    ("user's span processor", ("given", lambda: users_providers(spans_processor=Theirs()))),
    ("user's log processor", ("given", lambda: users_providers(logs=TheirRecords()))),
    ("user's providers", ("given", lambda: dict(tracer_provider=object()))),
    ("nothing", lambda: None),
])

def play(name):
    """Run the program in a child with one fault; its output, exit code and what it saw."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1), os.dup2(err.fileno(), 2)
            code = 1
            try:
                if name != "bare":
                    fault = FAULTS[name]
                    if isinstance(fault, tuple):
                        runtime.arm(providers=fault[1]())
                    else:
                        runtime.arm()
                        fault()
                print(repr(program()))
                runtime.flush()
                runtime.shutdown()
                code = 0
            finally:
                sys.stdout.flush(), sys.stderr.flush()
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out.seek(0), err.seek(0)
        return [code, out.read().decode(), err.read().decode()]

pricing.PriceTable().warm()  # once, for all of them
print(json.dumps({{name: play(name) for name in ["bare", *FAULTS]}}))
'''


def test_the_program_is_what_it_is_without_us(tmp_path: Path) -> None:
    driver = tmp_path / "driver.py"
    driver.write_text(DRIVER.format(program=PROGRAM, recorder=RECORDER))
    with Sink() as sink:
        done = subprocess.run(
            [sys.executable, "-W", "error", str(driver)],
            capture_output=True,
            text=True,
            timeout=300,
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url},
        )
    assert done.returncode == 0, done.stderr
    played: dict[str, list[Any]] = json.loads(done.stdout)
    bare = played.pop("bare")
    assert bare[0] == 0, bare
    assert bare[1].startswith("out\n[True, [3, [0, 1]], ('LookupError'")
    assert bare[2] == "err\n"
    # What `result` and `status` answer is ours to find out, and that is what fails here.
    unchecked = bare[1].replace("[True, ", "[None, ")
    assert played.pop("result") == [0, unchecked, bare[2]]
    assert played.pop("current") == [0, unchecked.replace("True]", "False]"), bare[2]]
    different = {name: outcome for name, outcome in played.items() if outcome != bare}
    assert different == {}, json.dumps(different, indent=1)
    assert len(played) > 50


# -- what can still be told is told ---------------------------------------------------------------


def program() -> None:
    with contextlib.suppress(ValueError), exectrail.workflow("w"), exectrail.agent("a") as run:
        run.progress(0.5, "half")
        run.model_call("acme", "acme-1").end(Usage(1_000_000, 0))
        run.add_artifact("f", "https://example.com/f")
        raise ValueError("message")


WHOLE_TREE = (
    "workflow w failed(error) ERROR ValueError message\n"
    "  agent a failed(error) ERROR ValueError message\n"
    "    chat acme-1 in=1000000 out=0 cost=2 USD"
)
EVENTS = [
    "state_changed",
    "state_changed",
    "progress",
    "inference.usage",
    "artifact",
    "state_changed",
    "state_changed",
]


def events(harness: Harness) -> list[str]:
    return [told["event"] for told in harness.events()]


def test_whole(harness: Harness) -> None:
    program()
    assert harness.tree() == WHOLE_TREE
    assert events(harness) == EVENTS


def test_redaction_that_fails_drops_the_text_alone(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redaction, "scrub", broken)
    monkeypatch.setattr(redaction, "scrub_url", broken)
    program()
    assert harness.tree() == WHOLE_TREE.replace(" message", "")
    assert events(harness) == EVENTS
    shown = repr(harness.events())
    assert "message" not in shown
    assert "example.com" not in shown


def test_redaction_that_fails_drops_captured_values_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "scrub", broken)
    with Harness(capture_content=True) as harness, exectrail.step("s") as step:
        step.set_variable("v", "secret")
    [told] = harness.events("variable_set")
    assert told["variable.value"] == ""


def test_prices_that_fail_leave_the_cost_unknown(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness.recorder._prices, "price", broken)
    program()
    assert harness.tree() == WHOLE_TREE.replace("cost=2 USD", "cost=?")
    [usage] = harness.events("inference.usage")
    assert (usage["cost.source"], usage["usage.input_tokens"]) == ("unknown", 1_000_000)
    assert "cost.amount" not in usage


def test_without_events_there_are_spans_and_metrics(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Events, "emit", broken)
    program()
    assert harness.tree() == WHOLE_TREE
    assert events(harness) == []
    assert sum(harness.metrics()["transitions"].values()) == 4  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert harness.metrics()["inference.cost"]
    assert harness.executions.open_count == 0


@pytest.mark.parametrize("part", ["start", "end"])
def test_without_spans_there_are_events_and_metrics(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(LateSpans, part, broken)
    program()
    assert harness.tree() == ""
    assert events(harness) == EVENTS
    [usage] = harness.events("inference.usage")
    assert (usage["request.model"], usage["cost.amount"]) == ("acme-1", "2")
    assert (usage["name"], usage["workflow.name"], usage["agent.name"]) == ("a", "w", "a")
    assert sum(harness.metrics()["transitions"].values()) == 4  # pyright: ignore[reportArgumentType, reportCallIssue]


def test_without_metrics_there_are_events_and_spans(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Metrics, "note", broken)
    program()
    assert harness.tree() == WHOLE_TREE
    assert events(harness) == EVENTS


@pytest.mark.parametrize("method", RECORDER)
def test_a_failing_recorder_leaves_nothing_open(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr(harness.recorder, method, broken)
    contextvars.copy_context().run(program)  # what cannot be detached stays in there
    monkeypatch.undo()
    assert harness.executions.open_count == 0
    assert exectrail.current() is None
    told = len(harness.events())
    with exectrail.step("after") as after:
        assert after.parent is None
    assert [e["state"] for e in harness.events()[told:]] == ["running", "completed"]


def test_what_ends_the_program_is_not_stopped_by_us(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_arguments: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(harness.recorder, "progressed", interrupted)
    work: Callable[[], None] = exectrail.step(lambda: exectrail.progress(0.5))
    with pytest.raises(KeyboardInterrupt):
        work()
    assert harness.tree() == "step <lambda> cancelled(signal)"
