"""The process's write half is set up once, with the first execution, and can be set up again."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import exectrail
from exectrail import export, runtime
from exectrail.config import Config
from exectrail.conventions import names
from exectrail.execution import Executions
from exectrail.guard import dropped
from exectrail.testing.sink import Sink

from .conftest import told


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


def test_installed_for_a_test_and_put_back() -> None:
    before = runtime.executions()
    own = Executions()
    restore = runtime.install(own, "project")
    assert (runtime.executions(), runtime.project()) == (own, "project")
    restore()
    assert runtime.executions() is before
