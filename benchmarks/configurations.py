"""The configurations that are compared, each switched on and off in the running process.

All have the providers they need from the start, with the same resource, scope, sampler, batching
and sinks; switching concerns the hooks in the frameworks alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, Protocol

from exectrail_langgraph import LangGraphInstrumentor
from floor import FloorHandler, install
from langchain_core.callbacks import BaseCallbackHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from sinks import EventSink, SpanSink
from workload import AGENTS

from exectrail import runtime
from exectrail.conventions import names
from exectrail.execution import Executions, NullRecorder
from exectrail.export import Exporters, from_exporters, worker_resource
from exectrail.export.providers import EVENT_DELAY_MS, MOST_EVENTS, MOST_SPANS, SPAN_DELAY_MS
from exectrail.pricing import PriceTable
from exectrail.signals.events import Events
from exectrail.signals.metrics import Metrics
from exectrail.signals.recorder import OTelRecorder, TextRules

VERSION: Final = "benchmark"


class Configuration(Protocol):
    """A way to run the workload."""

    name: str
    spans: SpanSink
    events: EventSink

    def on(self) -> None:
        """Switch the instrumentation on."""

    def off(self) -> None:
        """Switch it off; the frameworks are as they were."""

    def flush(self) -> None:
        """Hand what is waiting to the sinks."""


class Bare:
    """No instrumentation."""

    name = "bare"

    def __init__(self) -> None:
        self.spans, self.events = SpanSink(), EventSink()

    def on(self) -> None: ...

    def off(self) -> None: ...

    def flush(self) -> None: ...


class Idle:
    """A handler of LangChain's that does nothing: what being told costs."""

    name = "one more handler that does nothing"

    def __init__(self) -> None:
        self.spans, self.events = SpanSink(), EventSink()
        self._handler = BaseCallbackHandler()
        self._handler.run_inline = True
        self._uninstall: Callable[[], None] | None = None

    def on(self) -> None:
        self._uninstall = install(self._handler)

    def off(self) -> None:
        if self._uninstall is not None:
            self._uninstall()

    def flush(self) -> None: ...


class Floor:
    """The handler written by hand, on the SDK's providers."""

    name = "floor"

    def __init__(self, resource: Resource) -> None:
        self.spans, self.events = SpanSink(), EventSink()
        self._tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._tracers.add_span_processor(
            BatchSpanProcessor(
                self.spans, max_queue_size=MOST_SPANS, schedule_delay_millis=SPAN_DELAY_MS
            )
        )
        self._loggers = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self._loggers.add_log_record_processor(
            BatchLogRecordProcessor(
                self.events, max_queue_size=MOST_EVENTS, schedule_delay_millis=EVENT_DELAY_MS
            )
        )
        self._handler = FloorHandler(
            self._tracers.get_tracer(names.ROOT, VERSION),
            self._loggers.get_logger(names.ROOT, VERSION),
            frozenset(AGENTS),
        )
        self._uninstall: Callable[[], None] | None = None

    def on(self) -> None:
        self._uninstall = install(self._handler)

    def off(self) -> None:
        if self._uninstall is not None:
            self._uninstall()

    def flush(self) -> None:
        self._tracers.force_flush()
        self._loggers.force_flush()


class Exectrail:
    """The adapter on own providers. It notes metrics too, which the floor does not.

    Args:
        resource: Which service, host and worker.
        name: What to call it.
        recording: False: executions are kept, and nobody is told of them.
        sampled: False: the sampler keeps no span.
    """

    def __init__(
        self,
        resource: Resource,
        name: str = "exectrail",
        *,
        recording: bool = True,
        sampled: bool = True,
    ) -> None:
        self.name = name
        self.spans, self.events = SpanSink(), EventSink()
        if not sampled:
            os.environ["OTEL_TRACES_SAMPLER"] = "always_off"
        self._pipeline = from_exporters(Exporters(self.spans, self.events), resource, VERSION)
        os.environ.pop("OTEL_TRACES_SAMPLER", None)
        self._metrics = Metrics(self._pipeline.meter)
        recorder = OTelRecorder(
            self._pipeline.spans,
            Events(self._pipeline.records, self._pipeline.always),
            self._metrics,
            PriceTable(),
            TextRules(),
        )
        self._engine = Executions(recorder if recording else NullRecorder())
        self._adapter = LangGraphInstrumentor()
        self._restore: Callable[[], None] | None = None

    def on(self) -> None:
        self._restore = runtime.install(self._engine, self._pipeline.project)
        self._adapter.activate()

    def off(self) -> None:
        self._adapter.uninstrument()
        if self._restore is not None:
            self._restore()

    def flush(self) -> None:
        self._metrics.drain()
        self._pipeline.flush()


_SETTINGS: Final = ("OTEL_", "EXECTRAIL_", "LANGCHAIN_", "LANGSMITH_", "LANGGRAPH_")


def forget_settings() -> None:
    """Take what would set anything out of the environment: the figures are the defaults'."""
    for name in [name for name in os.environ if name.startswith(_SETTINGS)]:
        del os.environ[name]


def resource() -> Resource:
    """The resource of all of them."""
    return worker_resource("benchmark", 45.0)
