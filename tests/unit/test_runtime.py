"""The process's write half: set up once, handed over at the end, anew in a forked child."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider

import exectrail
from exectrail import export, loading, runtime
from exectrail.config import Config
from exectrail.conventions import names
from exectrail.execution import Executions
from exectrail.guard import dropped
from exectrail.testing.sink import Answer, Sink

STATE = names.EVENT_EXECUTION_STATE_CHANGED


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """A process in which nothing was set up, and none of it stays."""
    restore = runtime.install(Executions())
    yield
    runtime.shutdown()
    restore()


@pytest.fixture
def armed(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> Sink:
    """Switched on, with the sink as receiver."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url)
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=shop")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "orders")
    assert runtime.arm(Config())
    return sink


def run(
    code: str, *arguments: str, wait: float = 60, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a program that arms the runtime; it must end within `wait` seconds."""
    whole = "from exectrail import runtime\nimport exectrail\n" + textwrap.dedent(code)
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", whole, *arguments],
        capture_output=True,
        text=True,
        timeout=wait,
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", **environment},
    )


def told(sink: Sink, event: str = STATE) -> list[tuple[str, str]]:
    """Names and states of the events that came, in their order."""
    return [
        (str(log.attributes.get(names.EXECUTION_NAME)), str(log.attributes[names.EXECUTION_STATE]))
        for log in sink.logs
        if log.name == event
    ]


# -- set-up ---------------------------------------------------------------------------------------


def test_set_up_waits_for_the_first_execution_and_reports_all(armed: Sink) -> None:
    assert runtime._state.pipeline is None
    with exectrail.workflow("w"), exectrail.step("s"):
        exectrail.usage("openai", "gpt-4o", input_tokens=1, output_tokens=1)
    assert runtime.project() == "shop"
    runtime.flush()
    assert told(armed) == [
        ("w", "running"),
        ("s", "running"),
        ("s", "completed"),
        ("w", "completed"),
    ]
    assert [span.name for span in armed.spans] == ["chat gpt-4o", "step s", "invoke_workflow w"]
    assert {metric.name for metric in armed.metrics} >= {
        names.METRIC_EXECUTION_ACTIVE,
        names.METRIC_INFERENCE_COST,
    }
    runtime.shutdown()
    assert armed.logs[0].name == names.EVENT_WORKER_STARTED
    assert armed.logs[-1].name == names.EVENT_WORKER_EXITED
    resources = [dict(sent.resource) for sent in (*armed.logs, *armed.spans, *armed.metrics)]
    assert all(resource == resources[0] for resource in resources)
    assert (resources[0][names.SERVICE_NAME], resources[0][names.SERVICE_NAMESPACE]) == (
        "orders",
        "shop",
    )
    assert resources[0][names.WORKER_LEASE] == 45.0


def test_not_armed_it_records_nothing(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url)
    with exectrail.workflow("w"):
        pass
    assert runtime.project() == ""
    runtime.flush()
    runtime.shutdown()
    assert sink.requests == 0


def test_disabled_it_cannot_be_armed() -> None:
    assert not runtime.arm(Config(disabled=True))
    assert runtime._state.armed is False
    with exectrail.workflow("w"):
        pass
    assert runtime._state.pipeline is None


def test_armed_twice_the_first_settings_hold(armed: Sink) -> None:
    assert runtime.arm(Config(lease=7.0))
    with exectrail.workflow("w"):
        pass
    runtime.flush()
    assert armed.logs[0].resource[names.WORKER_LEASE] == 45.0


def test_all_threads_report_though_they_start_amid_the_set_up(
    armed: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting_up, others_are_there = threading.Event(), threading.Event()
    make = export.from_environment

    def slowly(*arguments: Any) -> export.Pipeline:
        setting_up.set()
        others_are_there.wait(5)
        return make(*arguments)

    monkeypatch.setattr(export, "from_environment", slowly)

    def work(name: str) -> None:
        if name != "first":
            setting_up.wait(10)
        with exectrail.workflow(name):
            pass

    threads = [threading.Thread(target=work, args=(n,)) for n in ("first", "second", "third")]
    for thread in threads:
        thread.start()
    setting_up.wait(10)
    others_are_there.set()
    for thread in threads:
        thread.join(20)
    runtime.flush()
    assert sorted({name for name, _ in told(armed)}) == ["first", "second", "third"]


def test_what_the_set_up_itself_starts_is_not_waited_for(
    armed: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hook on what the set-up imports may start an execution on the same thread."""
    make = export.from_environment

    def reentrant(*arguments: Any) -> export.Pipeline:
        with exectrail.step("inside"):
            return make(*arguments)

    monkeypatch.setattr(export, "from_environment", reentrant)
    with exectrail.workflow("w"):
        pass
    runtime.flush()
    assert told(armed) == [("w", "running"), ("w", "completed")]


def test_set_up_that_fails_fails_once(armed: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def broken(*_arguments: Any) -> export.Pipeline:
        calls.append(1)
        raise RuntimeError("ours")

    monkeypatch.setattr(export, "from_environment", broken)
    for _ in range(3):
        with exectrail.workflow("w") as run:
            assert run.state == "running"
    assert calls == [1]
    assert dropped()["runtime.set_up"] >= 1
    runtime.flush()
    runtime.shutdown()


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


# -- the end --------------------------------------------------------------------------------------


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


def test_installed_for_a_test_and_put_back() -> None:
    before = runtime.executions()
    own = Executions()
    restore = runtime.install(own, "project")
    assert (runtime.executions(), runtime.project()) == (own, "project")
    restore()
    assert runtime.executions() is before


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


# -- forks ----------------------------------------------------------------------------------------

FORKED = """
    import os
    runtime.arm()
    with exectrail.workflow("parent", resume_key="k") as run:
        exectrail.progress(0.1)
        child = os.fork()
        if child == 0:
            run.progress(0.9)                      # not the child's to say
            exectrail.usage("openai", "gpt-4o", input_tokens=1)
            with exectrail.step("in the child"):
                exectrail.progress(0.2)
            run.complete()
            runtime.flush()
            runtime.shutdown()
            os._exit(0)
        raise_for = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with exectrail.step("in the parent"):
            pass
    raise SystemExit(raise_for)
"""


def test_forked_child_has_its_own_worker_and_its_parent_above(sink: Sink) -> None:
    done = run(FORKED, OTEL_EXPORTER_OTLP_ENDPOINT=sink.url)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    by_worker: dict[str, list[str]] = {}
    for log in sink.logs:
        # Resources are told now and then, and take a number of the sequence.
        if log.name != names.EVENT_EXECUTION_RESOURCE_USAGE:
            name = log.attributes.get(names.EXECUTION_NAME)
            told = by_worker.setdefault(str(log.resource[names.WORKER_ID]), [])
            told += [str(name)] if name else []
    assert sorted(sorted(told) for told in by_worker.values()) == [
        ["in the child"] * 3,
        ["in the parent"] * 2 + ["parent"] * 3,
    ]
    parent = next(log for log in sink.logs if log.attributes.get(names.EXECUTION_NAME) == "parent")
    for name in ("in the child", "in the parent"):
        beneath = next(log for log in sink.logs if log.attributes.get(names.EXECUTION_NAME) == name)
        for key in (names.EXECUTION_PARENT_ID, names.EXECUTION_ROOT_ID):
            assert beneath.attributes[key] == parent.attributes[names.EXECUTION_ID]
        assert beneath.attributes[names.GEN_AI_WORKFLOW_NAME] == "parent"
        assert beneath.record.trace_id == parent.record.trace_id
    pids = {log.resource[names.PROCESS_PID] for log in sink.logs}
    assert len(pids) == 2
    spans = sorted(span.name for span in sink.spans)
    assert spans == ["invoke_workflow parent", "step in the child", "step in the parent"]
    started = [log for log in sink.logs if log.name == names.EVENT_WORKER_STARTED]
    assert len(started) == 2


def test_a_child_sends_nothing_of_what_waited_in_its_parent(sink: Sink) -> None:
    done = run(
        """
        import os
        runtime.arm()
        with exectrail.workflow("w"):
            pass
        children = [os.fork() for _ in range(1)]
        if children[0] == 0:
            import atexit
            atexit._run_exitfuncs()                # as a child that ends in good order
            os._exit(0)
        raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]))
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
        # Nothing goes before the end, but metrics each 20 ms, in a child as well.
        OTEL_BSP_SCHEDULE_DELAY="60000",
        OTEL_BLRP_SCHEDULE_DELAY="60000",
        OTEL_METRIC_EXPORT_INTERVAL="20",
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert told(sink) == [("w", "running"), ("w", "completed")]
    assert [span.name for span in sink.spans] == ["invoke_workflow w"]
    assert len({sent.resource[names.PROCESS_PID] for sent in (*sink.logs, *sink.metrics)}) == 1


def test_fork_waits_for_what_we_load() -> None:
    """A child that begins amid an import of another thread would wait for it for ever."""
    done = run(
        """
        import os, signal, sys, threading
        from exectrail.pricing import PriceTable

        loading, forked = threading.Event(), threading.Event()
        warm = PriceTable.warm
        def slow_warm(self):
            loading.set()
            forked.wait(1)                          # a fork that did not wait would be done by now
            warm(self)
        PriceTable.warm = slow_warm

        runtime.arm()
        with exectrail.workflow("w"):
            assert loading.wait(20)
            child = os.fork()
            forked.set()
            if child == 0:
                signal.alarm(30)
                exectrail.usage("openai", "gpt-4o", input_tokens=1, output_tokens=1)
                with exectrail.step("s"):
                    exectrail.usage("openai", "gpt-4o", input_tokens=1, output_tokens=1)
                os._exit("genai_prices" not in sys.modules)
        raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """,
        OTEL_TRACES_EXPORTER="none",
        OTEL_LOGS_EXPORTER="none",
        OTEL_METRICS_EXPORTER="none",
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_fork_waits_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "FORK_WAIT", 0.01)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with loading.LOADING:
            held.set()
            done.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    loading.LOADING.before_fork()
    assert loading._forking.held is False
    loading.LOADING.after_fork_in_parent()
    done.set()
    thread.join(10)
    loading.LOADING.before_fork()
    assert loading._forking.held is True
    loading.LOADING.after_fork_in_parent()


MULTI = """
import multiprocessing, sys
import exectrail
from exectrail import runtime

def work(n):
    with exectrail.step(f"s{n}"):
        return n * n

def main(method):
    runtime.arm()
    context = multiprocessing.get_context(method)
    with exectrail.workflow("w"):
        process = context.Process(target=work, args=(3,))
        process.start()
        process.join()
    return process.exitcode

if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
else:
    runtime.arm()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_of_multiprocessing_hand_over_what_they_did(
    sink: Sink, tmp_path: Path, method: str
) -> None:
    program = tmp_path / "program.py"
    program.write_text(MULTI)
    done = subprocess.run(
        [sys.executable, str(program), method],
        capture_output=True,
        text=True,
        timeout=60,
        env={
            "PATH": "/usr/bin:/bin",
            "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
            # What is not handed over at the end is lost.
            "OTEL_BSP_SCHEDULE_DELAY": "60000",
            "OTEL_BLRP_SCHEDULE_DELAY": "60000",
        },
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted(told(sink)) == [
        ("s3", "completed"),
        ("s3", "running"),
        ("w", "completed"),
        ("w", "running"),
    ]
    assert sorted(span.name for span in sink.spans) == ["invoke_workflow w", "step s3"]
    assert len({log.resource[names.WORKER_ID] for log in sink.logs}) == 2
    below = next(log for log in sink.logs if log.attributes.get(names.EXECUTION_NAME) == "s3")
    assert (names.EXECUTION_PARENT_ID in below.attributes) == (method == "fork")


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


def test_a_child_that_gets_sigterm_as_it_is_forked_dies_of_it(sink: Sink) -> None:
    done = run(
        """
        import os, signal, time
        runtime.arm()
        with exectrail.workflow("w"):
            for _ in range(20):
                child = os.fork()
                if child == 0:
                    time.sleep(60)
                    os._exit(0)
                os.kill(child, signal.SIGTERM)
                print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "-15\n" * 20, "")
