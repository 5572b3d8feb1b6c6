"""Plain functions: what the running code says of its execution, or of one it names."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

import exectrail
from exectrail.conventions.names import ResourceScope, ResultCategory, State, UsageRole
from exectrail.execution import (
    Artifact,
    ErrorInfo,
    Execution,
    Plan,
    PlanStep,
    Progress,
    ProviderCost,
    Resources,
    Result,
    Usage,
    Variable,
)
from exectrail.testing import Recording

ERROR = ValueError("no")

MOVES: list[tuple[str, Callable[..., Any], str]] = [
    ("queue", lambda **of: exectrail.queue("schedule", **of), "queued(schedule)"),
    ("pause", lambda **of: exectrail.pause("external_event", **of), "paused(external_event)"),
    ("block", lambda **of: exectrail.block("rate_limit", **of), "blocked(rate_limit)"),
    ("status", lambda **of: exectrail.status("WAITING", **of), "paused()"),
    ("status, why", lambda **of: exectrail.status("FAIL", "budget", **of), "failed(budget)"),
    ("complete", lambda **of: exectrail.complete(**of), "completed()"),
    ("fail", lambda **of: exectrail.fail(ERROR, "timeout", **of), "failed(timeout)"),
    ("fail, no more said", lambda **of: exectrail.fail(**of), "failed(error)"),
    ("cancel", lambda **of: exectrail.cancel("budget", **of), "cancelled(budget)"),
]

REPORTS: list[tuple[str, Callable[..., Any], object]] = [
    (
        "progress",
        lambda **of: exectrail.progress(0.5, "half", completed=1, planned=2, **of),
        Progress(0.5, "half", 1, 2),
    ),
    (
        "plan",
        lambda **of: exectrail.plan(["a", PlanStep("b", "writer")], **of),
        Plan([PlanStep("a"), PlanStep("b", "writer")], 1),
    ),
    (
        "plan_step",
        lambda **of: exectrail.plan_step(
            "a", "completed", actual_cost=Decimal(1), actual_seconds=2.0, **of
        ),
        Plan(
            [PlanStep("a", actual_cost=Decimal(1), actual_seconds=2.0, state=State.COMPLETED)],
            1,
        ),
    ),
    (
        "variable",
        lambda **of: exectrail.variable("city", "Oslo", **of),
        Variable.of("city", "Oslo"),
    ),
    (
        "result",
        lambda **of: exectrail.result("answer", 1, check=lambda _: False, **of),
        Result("answer", ResultCategory.UNKNOWN, False, "refused"),
    ),
    (
        "result, category",
        lambda **of: exectrail.result("answer", category="testing", **of),
        Result("answer", ResultCategory.TESTING),
    ),
    (
        "error",
        lambda **of: exectrail.error(ERROR, **of),
        Result("ValueError", ResultCategory.ERROR, error=ErrorInfo.of(ERROR)),
    ),
    (
        "error, text",
        lambda **of: exectrail.error("no city", **of),
        Result("error", ResultCategory.ERROR, error=ErrorInfo("error", "no city")),
    ),
    (
        "artifact",
        lambda **of: exectrail.artifact(
            "f", "/tmp/f", action="changed", media_type="text/plain", size=3, **of
        ),
        Artifact("f", "/tmp/f", "changed", "text/plain", 3),
    ),
    (
        "resource_usage",
        lambda **of: exectrail.resource_usage(
            cpu_seconds=1.0,
            memory_peak_bytes=2,
            disk_read_bytes=3,
            disk_write_bytes=4,
            exclusive=True,
            **of,
        ),
        Resources(1.0, 2, 3, 4, ResourceScope.EXCLUSIVE),
    ),
    (
        "resource_usage, shared",
        lambda **of: exectrail.resource_usage(cpu_seconds=1.0, **of),
        Resources(1.0),
    ),
]


def shown(execution: Execution) -> str:
    return f"{execution.state}({execution.reason})"


@pytest.mark.parametrize(("move", "end"), [m[1:] for m in MOVES], ids=[m[0] for m in MOVES])
def test_moves_the_current_one_or_the_one_named(
    told: Recording, move: Callable[..., Any], end: str
) -> None:
    named = exectrail.start("task", "named")
    with exectrail.workflow("w") as run:
        move()
        assert (shown(run), shown(named)) == (end, "running()")
        move(of=named)
        assert shown(named) == end
        run.complete() if not run.closed else None


@pytest.mark.parametrize(("tell", "what"), [r[1:] for r in REPORTS], ids=[r[0] for r in REPORTS])
def test_reports_of_the_current_one_or_the_one_named(
    told: Recording, tell: Callable[..., Any], what: object
) -> None:
    named = exectrail.start("task", "named")
    with exectrail.workflow("w") as run:
        tell()
        tell(of=named)
    assert told.reports == [(run, what), (named, what)]


@pytest.mark.parametrize("act", [f for _, f, _ in MOVES + REPORTS])  # pyright: ignore[reportOperatorIssue]
def test_without_an_execution_nothing_happens(told: Recording, act: Callable[..., Any]) -> None:
    assert not act()
    assert told.executions == told.reports == told.transitions == []


def test_resume_goes_on(told: Recording) -> None:
    with exectrail.workflow("w") as run:
        exectrail.pause()
        exectrail.resume()
        assert run.state == "running"
        exectrail.block()
        exectrail.resume(of=run)
    exectrail.resume()
    assert told.history(run) == "running>paused>running>blocked>running>completed"


def test_status_says_whether_the_word_is_known(told: Recording) -> None:
    with exectrail.workflow("w"):
        assert exectrail.status("in progress") is True
        assert exectrail.status("sideways") is False
    assert exectrail.status("in progress") is False


def test_result_says_whether_it_was_accepted(told: Recording) -> None:
    with exectrail.workflow("w"):
        assert exectrail.result("r", 1, check=bool) is True
        assert exectrail.result("r", 0, check=bool) is False
        assert exectrail.result("r", 0) is None
    assert exectrail.result("r", 0, check=bool) is None


def test_usage_is_a_model_call_that_ended(told: Recording) -> None:
    with exectrail.agent("a") as run:
        exectrail.usage(
            "openai",
            "gpt-4o",
            input_tokens=10,
            output_tokens=2,
            cache_read_tokens=3,
            cache_write_tokens=4,
            reasoning_tokens=1,
        )
        exectrail.usage("openai", "gpt-4o", cost=Decimal("0.5"), currency="EUR", of=run)
    exectrail.usage("openai", "gpt-4o", input_tokens=1)
    first, second = told.calls
    assert told.told == {first: 2, second: 3}
    assert (first.execution, first.provider, first.request_model, first.response_model) == (
        run,
        "openai",
        "gpt-4o",
        "gpt-4o",
    )
    assert (first.usage, first.cost, first.role) == (
        Usage(10, 2, 3, 4, 1),
        None,
        UsageRole.BILLING,
    )
    assert (second.usage, second.cost) == (Usage(), ProviderCost(Decimal("0.5"), "EUR"))


def test_started_by_hand_it_has_the_current_one_as_parent(told: Recording) -> None:
    with exectrail.workflow("w") as run:
        own = exectrail.start(
            "iteration",
            "turn",
            state="queued",
            attempt=2,
            iteration=4,
            resume_key="k",
            resumed=True,
            external_id="x",
        )
        assert exectrail.current() is run  # it is not attached
        beneath = exectrail.start("step", "s", parent=own)
    assert (own.parent, beneath.parent) == (run, own)
    assert (own.kind, own.state, own.attempt, own.iteration) == ("iteration", "queued", 2, 4)
    assert (own.resume_key, own.resumed, own.about.external_id) == ("k", True, "x")
    assert run.iterations == 4
    exectrail.fail(ERROR, of=own)
    assert own.error == ErrorInfo("ValueError", "no")


@pytest.mark.parametrize(
    "wrong", [{"kind": "sorcery"}, {"state": "sideways"}, {"state": "abandoned"}]
)
def test_a_wrong_word_starts_something_all_the_same(told: Recording, wrong: dict[str, str]) -> None:
    own = exectrail.start(**{"kind": "step", "name": "s", **wrong})  # pyright: ignore[reportArgumentType]
    exectrail.progress(0.5, of=own)
    exectrail.complete(of=own)
    assert own.closed


def test_a_wrong_state_of_a_plan_step_is_dropped(told: Recording) -> None:
    with exectrail.workflow("w"):
        exectrail.plan_step("a", "sideways")
    assert told.reports == []


def test_failing_to_start_gives_one_that_records_nothing(
    told: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_unix_ns: int) -> str:
        raise RuntimeError("ours")

    with exectrail.workflow("w") as run:
        monkeypatch.setattr(run.engine, "new_id", broken)
        with exectrail.step("s") as silent:
            silent.progress(0.5)
            exectrail.progress(0.5)
        own = exectrail.start("step", "s")
        monkeypatch.undo()
        assert (silent.state, own.state) == ("completed", "running")
        with exectrail.step("after") as after:
            assert after.parent is run
    assert told.tree() == "workflow w completed\n  step after completed"
    assert told.reports == []


def test_beneath_what_could_not_be_started_lies_what_is_above_it(
    told: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_unix_ns: int) -> str:
        raise RuntimeError("ours")

    with exectrail.workflow("w") as run:
        monkeypatch.setattr(run.engine, "new_id", broken)
        with exectrail.step("silent"):
            monkeypatch.undo()
            with exectrail.step("beneath") as beneath:
                pass
    assert (beneath.root_id, beneath.parent_id) == (run.id, run.id)


SILENT = """
    import sys
    import exectrail
    loaded = [m for m in sys.modules if m.startswith("exectrail")]
    assert loaded == ["exectrail"], loaded

    @exectrail.step
    def work():
        exectrail.progress(0.5)
        exectrail.usage("openai", "gpt-4o", input_tokens=1)
        exectrail.result("r", 1, check=bool)
        return exectrail.current()

    with exectrail.workflow("w") as run:
        inner = work()
    assert (inner.parent, inner.state, run.state) == (None, "completed", "completed")
    assert not [m for m in sys.modules if m.startswith(("opentelemetry", "genai_prices", "jsons"))]
    import threading
    assert threading.active_count() == 1
"""


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", **environment},
    )


def test_before_it_is_switched_on_nothing_is_recorded_and_nothing_loaded() -> None:
    done = python(SILENT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("switch", ["EXECTRAIL_DISABLED", "OTEL_SDK_DISABLED"])
def test_switched_off_it_stays_silent(switch: str) -> None:
    armed = (
        textwrap.dedent(SILENT)
        .replace(
            "@exectrail.step",
            "from exectrail import runtime\nassert not runtime.arm()\n@exectrail.step",
        )
        .replace('assert loaded == ["exectrail"], loaded', "")
    )
    done = python(armed, **{switch: "true"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_package_gives_its_names_and_no_others() -> None:
    assert set(exectrail.__all__) <= set(dir(exectrail))
    for name in exectrail.__all__:
        assert getattr(exectrail, name) is not None
    with pytest.raises(AttributeError, match="module 'exectrail' has no attribute 'nothing'"):
        exectrail.nothing  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]
