"""The span around the program's code: current while it is attached, and nowhere after that."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Awaitable

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SynchronousMultiSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanKind

from exectrail.signals.spans import Attached, LateSpans, SpanHandle

SPANS = LateSpans(
    SynchronousMultiSpanProcessor(), ALWAYS_ON, Resource({}), InstrumentationScope("exectrail")
)


def span(name: str, above: SpanHandle | None = None) -> SpanHandle:
    kind = SpanKind.CLIENT if name == "chat" else SpanKind.INTERNAL
    return SPANS.start(name, kind, 1, {}, above)


def current() -> int:
    return trace.get_current_span().get_span_context().span_id


def test_a_span_is_current_until_it_is_detached() -> None:
    outer, inner = span("outer"), span("inner")
    first = outer.attach()
    second = inner.attach()
    assert current() == inner.span_context.span_id
    second.detach()
    assert current() == outer.span_context.span_id
    first.detach()
    assert current() == 0


def test_a_call_that_ends_in_a_copy_of_its_context_leaves_nothing_current(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: list[int] = []
    step = span("step")

    async def own_task(work: Awaitable[None]) -> None:
        await work

    async def end(attached: Attached) -> None:
        attached.detach()

    async def node() -> None:
        around = step.attach()
        for _ in range(2_000):
            attached = span("chat", step).attach()
            await asyncio.gather(own_task(end(attached)))
            seen.append(current())
        around.detach()
        seen.append(current())

    with caplog.at_level(logging.DEBUG):
        asyncio.run(node())
    assert seen == [step.span_context.span_id] * 2_000 + [0]
    assert not [record for record in caplog.records if record.name.startswith("opentelemetry")]


def test_what_an_execution_left_running_stays_beneath_it() -> None:
    step = span("step")
    attached = step.attach()
    left_running = contextvars.copy_context()
    attached.detach()
    assert left_running.run(lambda: span("late")).parent == step.span_context


def test_what_begins_after_the_call_is_no_child_of_it() -> None:
    call = span("chat")
    attached = call.attach()
    beneath = span("http")
    contextvars.copy_context().run(attached.detach)
    after = span("next")
    assert beneath.parent == call.span_context
    assert after.parent is None
