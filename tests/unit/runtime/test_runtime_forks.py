"""A forked child reports anew: as a worker of its own, beneath what its parent was at."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from exectrail import loading
from exectrail.conventions import names
from exectrail.testing.sink import Sink

from .conftest import run, told

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
