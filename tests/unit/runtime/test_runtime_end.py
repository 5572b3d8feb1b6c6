"""What waits is handed over at the end, and a program ends as it would without us."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

import exectrail
from exectrail import runtime
from exectrail.config import Config
from exectrail.conventions import names
from exectrail.testing.sink import Answer, Sink

from .conftest import run, told


def test_shut_down_it_reports_no_more_and_can_be_armed_again(armed: Sink) -> None:
    with exectrail.workflow("first") as run:
        runtime.shutdown()
        run.progress(0.5)
        with exectrail.step("silent"):
            pass
    assert told(armed) == [("first", "running")]
    assert exectrail.current() is None
    runtime.shutdown()
    runtime.flush()
    assert runtime.arm(Config())
    with exectrail.workflow("second"):
        pass
    runtime.shutdown()
    assert told(armed)[1:] == [("second", "running"), ("second", "completed")]
    workers = [str(log.resource[names.WORKER_ID]) for log in armed.logs]
    assert len(set(workers)) == 2
    assert [
        log.attributes[names.WORKER_OPEN_EXECUTIONS]
        for log in armed.logs
        if log.name == names.EVENT_WORKER_EXITED
    ] == [1, 0]


def test_program_that_ends_hands_over_what_waits(sink: Sink) -> None:
    done = run(
        """
        runtime.arm()
        with exectrail.workflow("w"):
            exectrail.usage("openai", "gpt-4o", input_tokens=1, output_tokens=1)
            print("out")
        open_one = exectrail.start("step", "left open")
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "out\n", "")
    assert told(sink) == [("w", "running"), ("w", "completed"), ("left open", "running")]
    assert [log.name for log in sink.logs].count(names.EVENT_WORKER_EXITED) == 1
    assert len(sink.spans) == 2
    assert sink.metrics


LAST_WORDS: dict[str, tuple[str, int, str]] = {
    "exit": ("raise SystemExit(3)", 3, ""),
    "error": ("raise ValueError('no')", 1, "ValueError: no\n"),
    "interrupt": ("raise KeyboardInterrupt", -2, "KeyboardInterrupt\n"),
}


@pytest.mark.parametrize("end", list(LAST_WORDS))
def test_program_that_fails_ends_as_without_us(sink: Sink, end: str) -> None:
    code, status, words = LAST_WORDS[end]
    program = f"""
        {{}}
        with exectrail.workflow("w"):
            exectrail.usage("openai", "gpt-4o", input_tokens=1)  # prices are loaded by then
            {code}
        """
    bare = run(program.format("pass"))
    ours = run(program.format("runtime.arm()"), OTEL_EXPORTER_OTLP_ENDPOINT=sink.url)
    assert (ours.returncode, ours.stdout) == (bare.returncode, bare.stdout) == (status, "")
    assert ours.stderr.endswith(words)
    # The tracebacks differ only in the line that switches us on.
    assert ours.stderr.replace("runtime.arm()", "pass") == bare.stderr
    assert [name for name, _ in told(sink)] == ["w", "w"]


@pytest.mark.parametrize("answer", [None, *(a for a in Answer if a is not Answer.OK)])
def test_program_ends_quietly_whatever_the_receiver_does(sink: Sink, answer: Answer | None) -> None:
    """Bounded: with a timeout of ten minutes for each request, and in a minute at most."""
    if answer is None:
        sink.close()  # connections are refused
    else:
        sink.answer = answer
    done = run(
        """
        import sys
        runtime.arm()
        with exectrail.workflow("w"):
            exectrail.usage("openai", "gpt-4o", input_tokens=1, output_tokens=1)
        print("out")
        print("err", file=sys.stderr)
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
        OTEL_EXPORTER_OTLP_TIMEOUT="600",
        OTEL_METRIC_EXPORT_TIMEOUT="600000",
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "out\n", "err\n")
    assert sink.logs == []


def test_a_receiver_that_is_only_slow_gets_everything(armed: Sink) -> None:
    armed.answer = Answer.HANG
    with exectrail.workflow("w"):
        pass
    ending = threading.Thread(target=runtime.shutdown, args=(0.01,))
    ending.start()
    armed.wait_for(lambda: armed.requests > 0)
    ending.join(0.5)  # far beyond what a receiver in trouble is given here
    assert ending.is_alive()
    armed.let_go()
    ending.join(30)
    assert not ending.is_alive()
    assert told(armed) == [("w", "running"), ("w", "completed")]
    assert {span.name for span in armed.spans} == {"invoke_workflow w"}


def test_thread_that_cannot_be_started_costs_the_tail_alone(
    armed: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_more(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    start: Callable[[threading.Thread], None] = threading.Thread.start
    monkeypatch.setattr(
        threading.Thread,
        "start",
        lambda thread: (no_more if thread.name == "exectrail-worker" else start)(thread),
    )
    with exectrail.workflow("w"):
        pass
    runtime.flush()
    assert told(armed) == [("w", "running"), ("w", "completed")]
    runtime.shutdown()
