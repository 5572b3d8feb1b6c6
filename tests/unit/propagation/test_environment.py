"""The environment of a child, and what a process takes from its own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

import exectrail
from exectrail.conventions import names
from exectrail.execution import Execution, Remote, current
from exectrail.execution.current import around, hand_down_with
from exectrail.propagation.parent import VARIABLE, read
from exectrail.testing.harness import Harness

THEIRS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def harness() -> Iterator[Harness]:
    with Harness() as harness:
        yield harness


@pytest.fixture(autouse=True)
def given(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the process was started with: none of ours."""
    from exectrail.propagation.handed import process

    given: dict[str, str] = {}
    for name in (VARIABLE, "TRACEPARENT", "TRACESTATE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(process.__dict__, "at_start", given)
    monkeypatch.setitem(process.__dict__, "environment", None)
    return given


def traceparent(execution: Execution) -> str:
    span = execution.trace.span_context  # type: ignore[attr-defined]
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"


def test_a_child_gets_a_copy_with_the_current_execution(harness: Harness) -> None:
    with exectrail.workflow("w"), exectrail.agent("a"), exectrail.step("s") as step:
        found = exectrail.child_environment()

    assert {k: v for k, v in found.items() if k not in (VARIABLE, "TRACEPARENT")} == os.environ
    parent = read(found[VARIABLE])
    assert (parent.id, parent.root_id) == (step.id, step.root_id)
    assert (parent.workflow, parent.agent) == ("w", "a")
    assert found["TRACEPARENT"] == traceparent(step)
    assert parent.traceparent == ""  # said once
    assert VARIABLE not in os.environ


def test_without_an_execution_it_is_a_mere_copy(harness: Harness) -> None:
    given = {"A": "b", "TRACEPARENT": THEIRS}

    assert exectrail.child_environment(given) == given
    assert exectrail.child_environment(given) is not given
    assert exectrail.child_environment() == dict(os.environ)


def test_a_traceparent_of_the_programs_own_stays(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACEPARENT", THEIRS)
    with exectrail.workflow("w") as run:
        found = exectrail.child_environment()

    assert found["TRACEPARENT"] == THEIRS
    assert read(found[VARIABLE]).traceparent == traceparent(run)


def test_a_traceparent_that_the_process_was_given_is_replaced(
    harness: Harness, given: dict[str, str]
) -> None:
    given |= {"TRACEPARENT": THEIRS, "TRACESTATE": "vendor=1"}
    with exectrail.workflow("w") as run:
        found = exectrail.child_environment({**given, "BAGGAGE": "user=1"})

    assert found["TRACEPARENT"] == traceparent(run)
    assert "TRACESTATE" not in found
    assert found["BAGGAGE"] == "user=1"


def test_within_a_span_of_the_programs_own_that_one_is_shown(harness: Harness) -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("theirs")
    with exectrail.workflow("w") as run, tracer.start_as_current_span("theirs") as span:
        found = exectrail.child_environment()

    own = span.get_span_context()
    assert found["TRACEPARENT"] == f"00-{own.trace_id:032x}-{own.span_id:016x}-01"
    assert read(found[VARIABLE]).traceparent == traceparent(run)


def test_a_trace_that_is_sampled_out_stays_so() -> None:
    with Harness(sampler=ALWAYS_OFF) as harness:
        with exectrail.workflow("w"):
            found = exectrail.child_environment()
        assert found["TRACEPARENT"].endswith("-00")
        beneath(harness, read(found[VARIABLE], traceparent=found["TRACEPARENT"]))
        assert harness.spans() == []
        assert len(harness.events()) == 4


def beneath(harness: Harness, parent: Remote) -> Execution:
    """An execution in a process that was handed this."""
    forget = hand_down_with(lambda _inherited: parent)
    try:
        assert around() is parent
        assert current() is None
        with exectrail.step("s") as step:
            assert exectrail.current() is step
        return step
    finally:
        forget()


@pytest.mark.parametrize("user_providers", [False, True])
@pytest.mark.parametrize("nearest", [False, True])
def test_an_execution_hangs_on_the_span_that_was_handed_down(
    user_providers: bool, nearest: bool
) -> None:
    parent = Remote("p", "r", traceparent=THEIRS, tracestate="vendor=1", nearest=nearest)
    with Harness(user_providers=user_providers) as harness:
        step = beneath(harness, parent)

    (span,) = harness.spans()
    assert (step.parent_id, step.root_id) == ("p", "r")
    assert span.parent is not None
    assert f"{span.parent.trace_id:032x}-{span.parent.span_id:016x}" == THEIRS[3:-3]
    assert span.context is not None
    assert span.context.trace_id == span.parent.trace_id
    assert span.context.trace_state == {"vendor": "1"}


@pytest.mark.parametrize("nearest", [False, True])
def test_in_a_request_it_joins_the_trace_of_that_one_unless_it_came_with_the_task(
    harness: Harness, nearest: bool
) -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("server")
    with tracer.start_as_current_span("request", Context()) as request:
        step = beneath(harness, Remote("p", "r", traceparent=THEIRS, nearest=nearest))

    (span,) = harness.spans()
    assert step.parent_id == "p"
    assert span.parent is not None
    trace_id = f"{span.parent.trace_id:032x}"
    assert trace_id == (THEIRS[3:35] if nearest else f"{request.get_span_context().trace_id:032x}")


def test_a_trace_alone_makes_a_root_within_it(harness: Harness) -> None:
    step = beneath(harness, Remote("", "", traceparent=THEIRS))

    (span,) = harness.spans()
    assert (step.parent_id, step.root_id) == ("", step.id)
    assert names.EXECUTION_PARENT_ID not in (span.attributes or {})
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == THEIRS[3:35]


def test_a_garbled_trace_is_none(harness: Harness) -> None:
    beneath(harness, Remote("p", "r", traceparent="00-xyz-1-01"))

    (span,) = harness.spans()
    assert span.parent is None


# -- services -------------------------------------------------------------------------------------


@pytest.mark.parametrize("user_providers", [False, True])
def test_an_outgoing_request_carries_the_current_span_and_nothing_else_of_ours(
    user_providers: bool,
) -> None:
    headers: dict[str, str] = {}
    with (
        Harness(user_providers=user_providers),
        exectrail.workflow("w", conversation_id="secret"),
        exectrail.step("s") as step,
    ):
        propagate.inject(headers)

    assert headers == {"traceparent": traceparent(step)}


@pytest.mark.parametrize("user_providers", [False, True])
def test_an_incoming_request_is_joined(user_providers: bool) -> None:
    extracted = propagate.extract({"traceparent": THEIRS, "baggage": "user=1"}, Context())
    before = trace.get_current_span()  # another test may have left one
    with Harness(user_providers=user_providers) as harness:
        from opentelemetry import context as otel_context

        token = otel_context.attach(extracted)
        with exectrail.workflow("w"), exectrail.step("s"):
            pass
        otel_context.detach(token)

    step, run = harness.spans()
    assert run.parent is not None
    assert run.parent.span_id == int(THEIRS[36:52], 16)
    assert {f"{span.context.trace_id:032x}" for span in (step, run) if span.context} == {
        THEIRS[3:35]
    }
    assert trace.get_current_span() is before
