"""Where spans stand: among foreign ones, in sampled traces, on the user's providers."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Sequence
from pathlib import Path

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    TraceFlags,
    TraceState,
)
from opentelemetry.util.types import Attributes

import exectrail
from exectrail.conventions import names
from exectrail.execution import NullRecorder, Usage
from exectrail.export import from_providers
from exectrail.testing.harness import Harness


@pytest.fixture(params=[False, True], ids=["own providers", "the user's"])
def either(request: pytest.FixtureRequest, prices: Path) -> Harness:
    return Harness(prices=prices, user_providers=request.param)


class Foreign:
    """Another instrumentation, with providers of its own."""

    def __init__(self, resource: Resource | None = None) -> None:
        self.ended: list[str] = []
        self.parents: dict[str, int] = {}
        provider = TracerProvider(resource=resource or Resource({}), shutdown_on_exit=False)
        provider.add_span_processor(_Ended(self))
        self.tracer = provider.get_tracer("foreign")


class _Ended(SpanProcessor):
    def __init__(self, foreign: Foreign) -> None:
        self.foreign = foreign

    def on_end(self, span: object) -> None:
        assert isinstance(span, Span) or hasattr(span, "parent")
        self.foreign.parents[span.name] = span.parent.span_id if span.parent else 0  # pyright: ignore[reportAttributeAccessIssue]


def own_id(harness: Harness, name: str) -> int:
    [span] = [s for s in harness.spans() if s.name == name]
    assert span.context is not None
    return span.context.span_id


def current_id() -> int:
    return trace.get_current_span().get_span_context().span_id


def test_current_span_in_a_block_is_ours(either: Harness) -> None:
    foreign = Foreign()
    with either:
        with exectrail.workflow("w"):
            with exectrail.step("s"):
                inside = current_id()
                with foreign.tracer.start_as_current_span("http"):
                    pass
            between = current_id()
        assert current_id() == 0
    assert inside == own_id(either, "step s") == foreign.parents["http"]
    assert between == own_id(either, "invoke_workflow w")


def test_the_parent_is_the_one_named_whatever_is_current(either: Harness) -> None:
    with either, exectrail.workflow("other"):
        named = exectrail.start("workflow", "named")
        exectrail.complete(of=exectrail.start("step", "s", parent=named))
        named.complete()
    assert either.tree() == (
        "workflow other completed\n  workflow named completed\n    step s completed"
    )


def test_on_the_users_providers_the_current_span_takes_attributes(prices: Path) -> None:
    with Harness(prices=prices, user_providers=True) as harness, exectrail.step("s"):
        trace.get_current_span().set_attribute("theirs", 1)
    [span] = harness.spans()
    assert (span.attributes or {})["theirs"] == 1


def test_a_model_call_is_current_while_it_is_attached(either: Harness) -> None:
    foreign = Foreign()
    with either, exectrail.agent("a") as run:
        call = run.model_call("acme", "acme-1")
        token = run.engine.recorder.attach(call)
        with foreign.tracer.start_as_current_span("http"):
            pass
        run.engine.recorder.detach(token)
        around = current_id()
        call.end(Usage(1, 1))
    assert foreign.parents["http"] == own_id(either, "chat acme-1")
    assert around == own_id(either, "invoke_agent a")


def test_a_foreign_span_around_is_the_parent(either: Harness) -> None:
    foreign = Foreign()
    with either, foreign.tracer.start_as_current_span("request") as request:
        with exectrail.workflow("w"), exectrail.step("s"):
            pass
        assert trace.get_current_span() is request
    outer, around = (
        next(s for s in either.spans() if s.name == "invoke_workflow w"),
        (request.get_span_context()),
    )
    assert outer.parent is not None
    assert outer.context is not None
    assert outer.parent.span_id == around.span_id
    assert outer.context.trace_id == around.trace_id
    assert either.tree() == "workflow w completed\n  step s completed"


def test_the_programs_own_tracing_is_left_as_it_is() -> None:
    foreign = Foreign()
    with Harness() as harness, foreign.tracer.start_as_current_span("request") as request:
        with exectrail.agent("a") as run:
            trace.get_current_span().set_attribute("theirs", 1)
            call = run.model_call("acme", "acme-1")
            token = run.engine.recorder.attach(call)
            with foreign.tracer.start_as_current_span("http"):
                pass
            run.engine.recorder.detach(token)
            call.end(Usage(1, 1))
        assert trace.get_current_span() is request
    assert isinstance(request, Span)
    assert request.attributes == {"theirs": 1}
    assert foreign.parents["http"] == request.get_span_context().span_id
    assert harness.tree() == "agent a completed\n  chat acme-1 in=1 out=1 cost=?"


def test_the_rest_of_the_context_stays(either: Harness) -> None:
    with either:
        outside = context.attach(baggage.set_baggage("team", "blue"))
        with exectrail.step("s"):
            assert baggage.get_baggage("team") == "blue"
        assert baggage.get_baggage("team") == "blue"
        context.detach(outside)


async def test_tasks_keep_their_own_current_span(either: Harness) -> None:
    seen: dict[str, int] = {}

    async def work(name: str) -> None:
        with exectrail.step(name):
            for _ in range(3):
                await asyncio.sleep(0)
                assert seen.setdefault(name, current_id()) == current_id()

    with either, exectrail.workflow("w"):
        await asyncio.gather(*(work(f"s{n}") for n in range(4)))
    assert {name: own_id(either, f"step {name}") for name in seen} == seen


def test_ended_in_another_context_nothing_is_current_there(
    either: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    with either:
        block = exectrail.step("s")
        contextvars.copy_context().run(block.__enter__)
        with exectrail.workflow("w"):
            before = trace.get_current_span()
            block.__exit__(None, None, None)
            assert trace.get_current_span() is before
    assert caplog.records == []


def test_switched_off_within_a_block_nothing_stays_current(either: Harness) -> None:
    with either:
        block = exectrail.step("s")
        run = block.__enter__()
        run.engine.recorder = NullRecorder()
        block.__exit__(None, None, None)
    assert current_id() == 0


# -- sampling -------------------------------------------------------------------------------------


@pytest.mark.parametrize("user_providers", [False, True])
def test_spans_are_sampled_by_whole_trees_and_events_never(
    prices: Path, user_providers: bool
) -> None:
    sampler = ParentBased(TraceIdRatioBased(0.1))
    with Harness(prices=prices, sampler=sampler, user_providers=user_providers) as harness:
        for _ in range(300):
            with exectrail.workflow("w"), exectrail.agent("a") as run:
                run.model_call("acme", "acme-1").end(Usage(10, 1))
    per_trace: dict[int, list[str]] = {}
    for span in harness.spans():
        assert span.context is not None
        per_trace.setdefault(span.context.trace_id, []).append(span.name)
    assert 5 <= len(per_trace) <= 80
    whole = ["chat acme-1", "invoke_agent a", "invoke_workflow w"]
    assert all(spans == whole for spans in per_trace.values())

    told = [r.log_record for r in harness.records()]
    assert len(told) == 300 * 5
    traces = {r.trace_id for r in told}
    assert len(traces) == 300
    assert set(per_trace) < traces
    for record in told:
        assert record.trace_flags is not None
        assert bool(record.trace_flags & TraceFlags.SAMPLED) == (record.trace_id in per_trace)
    assert sum(harness.metrics()["client.inference.usage.input_tokens"].values()) == 3000  # pyright: ignore[reportArgumentType, reportCallIssue]


@pytest.mark.parametrize("around", [True, False])
def test_a_sampled_or_dropped_parent_decides(prices: Path, around: bool) -> None:
    flags = TraceFlags(TraceFlags.SAMPLED if around else TraceFlags.DEFAULT)
    parent = NonRecordingSpan(SpanContext(7, 8, True, flags, TraceState([("k", "v")])))
    sampler = ParentBased(ALWAYS_OFF if around else ALWAYS_ON)
    with (
        Harness(sampler=sampler) as harness,
        trace.use_span(parent),
        exectrail.workflow("w"),
        exectrail.step("s"),
    ):
        inside = trace.get_current_span().get_span_context()
    assert (inside.trace_id, inside.trace_flags, dict(inside.trace_state)) == (
        7,
        flags,
        {"k": "v"},
    )
    assert [s.name for s in harness.spans()] == (["step s", "invoke_workflow w"] if around else [])


class Asked(Sampler):
    def __init__(self) -> None:
        self.asked: list[tuple[str, SpanKind | None, Attributes]] = []

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        self.asked.append((name, kind, dict(attributes or {})))
        return SamplingResult(Decision.RECORD_AND_SAMPLE, trace_state=TraceState([("a", "b")]))

    def get_description(self) -> str:
        return "asked"


def test_sampler_is_asked_for_the_root_and_told_what_it_is() -> None:
    sampler = Asked()
    with Harness(sampler=sampler), exectrail.workflow("w"), exectrail.step("s"):
        state = trace.get_current_span().get_span_context().trace_state
    [(name, kind, attributes)] = sampler.asked
    assert (name, kind) == ("invoke_workflow w", SpanKind.INTERNAL)
    assert attributes is not None
    assert attributes[names.EXECUTION_NAME] == "w"
    assert dict(state) == {"a": "b"}


def test_a_sampler_that_fails_costs_the_span_alone(prices: Path) -> None:
    class Failing(Asked):
        def should_sample(self, *_arguments: object, **_more: object) -> SamplingResult:
            raise RuntimeError("theirs")

    with (
        Harness(prices=prices, sampler=Failing()) as harness,
        exectrail.workflow("w"),
        exectrail.agent("a") as run,
    ):
        run.model_call("acme", "acme-1").end(Usage(1_000_000, 0))
    assert harness.spans() == []
    [usage] = harness.events("inference.usage")
    assert usage["request.model"] == "acme-1"
    assert (usage["cost.amount"], usage["workflow.name"], usage["name"]) == ("2", "w", "a")
    assert len(harness.events()) == 5


def test_ids_do_not_touch_the_programs_random_numbers() -> None:
    import random

    random.seed(7)
    expected = random.random()
    random.seed(7)
    with Harness(), exectrail.workflow("w"), exectrail.agent("a") as run:
        run.model_call("acme", "acme-1").end(Usage(1, 1))
    assert random.random() == expected


# -- the user's providers -------------------------------------------------------------------------


def test_events_name_the_worker_where_the_resource_is_the_users(prices: Path) -> None:
    with Harness(prices=prices, user_providers=True) as harness, exectrail.agent("a") as run:
        run.model_call("acme", "acme-1").end(Usage(1, 1))
        run.progress(0.5)
    for told in harness.events(varying=True):
        assert (told["worker.id"], told["worker.lease"]) == ("worker", 45.0)
        assert told["process.pid"] > 0
        assert told["host.name"]
    with Harness(prices=prices) as own, exectrail.agent("a"):
        pass
    assert not any("worker.id" in told for told in own.events(varying=True))


def test_both_ways_tell_the_same(prices: Path) -> None:
    def program() -> None:
        with exectrail.workflow("w", tags={"a": "b"}) as run:
            with exectrail.step("s", attempt=2) as step:
                step.model_call("acme", "acme-1").end(Usage(1_000_000, 0, 5), response_id="r")
                step.model_call("acme", "acme-1").fail(OSError("gone"))
                step.fail(ValueError("no"))
            run.pause()
            run.suspend("key")

    shown: list[tuple[object, ...]] = []
    for user_providers in (False, True):
        with Harness(prices=prices, user_providers=user_providers) as harness:
            program()
        events = [
            {key: value for key, value in told.items() if not key.startswith("worker.")}
            for told in harness.events()
        ]
        spans = [
            (
                s.name,
                s.kind,
                s.start_time,
                s.end_time,
                s.status.status_code,
                s.status.description,
                sorted((s.attributes or {}).items()),
                [(e.name, e.timestamp, dict(e.attributes or {})) for e in s.events],
                s.parent is None,
                s.instrumentation_scope and s.instrumentation_scope.name,
            )
            for s in harness.spans()
        ]
        severities = [r.log_record.severity_text for r in harness.records()]
        shown.append((events, spans, severities, harness.tree(), harness.metrics()["active"]))
    assert shown[0] == shown[1]


def test_users_processors_see_spans_start_with_the_programs_baggage() -> None:
    started: list[tuple[str, object]] = []

    class Starting(SpanProcessor):
        def on_start(self, span: Span, parent_context: Context | None = None) -> None:
            started.append((span.name, baggage.get_baggage("team", parent_context)))

    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(Starting())
    pipeline = from_providers({"tracer_provider": tracers}, {}, "0")
    outside = context.attach(baggage.set_baggage("team", "blue"))
    try:
        above = pipeline.spans.start("above", SpanKind.INTERNAL, 1, {}, None)
        pipeline.spans.start("below", SpanKind.INTERNAL, 1, {}, above)
    finally:
        context.detach(outside)
    assert started == [("above", "blue"), ("below", "blue")]


def test_the_project_is_that_of_the_users_resource() -> None:
    resource = Resource({names.SERVICE_NAMESPACE: "shop"})
    given = {"tracer_provider": TracerProvider(resource=resource, shutdown_on_exit=False)}
    assert from_providers(given, {}, "0").project == "shop"
    assert from_providers({}, {}, "0").project == ""
