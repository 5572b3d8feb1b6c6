"""The configurations that are compared, each switched on and off in the running process.

All have the providers they need from the start, with the same resource, scope, sampler, batching
and sinks; switching concerns the hooks in the frameworks alone.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from exectrail_langgraph import LangGraphInstrumentor
from floor import FloorHandler, install
from langchain_core.callbacks import BaseCallbackHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from sinks import EventSink, SpanSink
from workload import AGENTS

from exectrail import runtime
from exectrail.conventions import names
from exectrail.execution import Executions, NullRecorder
from exectrail.export import (
    Exporters,
    Pipeline,
    from_exporters,
    from_providers,
    worker_resource,
)
from exectrail.export.durable import SUPERVISOR, spooled
from exectrail.export.providers import EVENT_DELAY_MS, MOST_EVENTS, MOST_SPANS, SPAN_DELAY_MS
from exectrail.pricing import PriceTable
from exectrail.resources.meter import ProcessMeter
from exectrail.signals.events import Events
from exectrail.signals.metrics import Metrics
from exectrail.signals.recorder import OTelRecorder, TextRules
from exectrail.spool import Destination, Shipper
from exectrail.spool.destination import Answer

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


def _sdk(
    resource: Resource, spans: SpanSink, events: EventSink
) -> tuple[TracerProvider, LoggerProvider]:
    """The SDK's providers, batching as exectrail's own do."""
    tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
    tracers.add_span_processor(
        BatchSpanProcessor(spans, max_queue_size=MOST_SPANS, schedule_delay_millis=SPAN_DELAY_MS)
    )
    loggers = LoggerProvider(resource=resource, shutdown_on_exit=False)
    loggers.add_log_record_processor(
        BatchLogRecordProcessor(
            events, max_queue_size=MOST_EVENTS, schedule_delay_millis=EVENT_DELAY_MS
        )
    )
    return tracers, loggers


class Floor:
    """The handler written by hand, on the SDK's providers."""

    name = "floor"

    def __init__(self, resource: Resource) -> None:
        self.spans, self.events = SpanSink(), EventSink()
        self._tracers, self._loggers = _sdk(resource, self.spans, self.events)
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


def own(resource: Resource, spans: SpanSink, events: EventSink) -> Pipeline:
    """Exectrail's own providers, as they are without being asked for others."""
    return from_exporters(Exporters(spans, events), resource, VERSION)


ALL: Final = frozenset({"TRACES", "LOGS"})
_RESOURCES: Final = names.EVENT_EXECUTION_RESOURCE_USAGE.encode()
_claims: list[object] = []


class _Counting(Destination):
    """Counts what a spool holds, in place of a receiver."""

    def __init__(self, spans: SpanSink, events: EventSink) -> None:
        super().__init__({})
        self._spans, self._events = spans, events

    def send(self, signal: str, body: bytes, timeout_s: float = 0.0) -> Answer:
        """Take a request."""
        if signal == "traces":
            self._spans.count += body.count(b'"startTimeUnixNano"')
        elif signal == "logs":
            measured = body.count(b'"eventName":"' + _RESOURCES + b'"')
            self._events.measured += measured
            self._events.count += body.count(b'"observedTimeUnixNano"') - measured
        return Answer(delivered=True)


def durable(resource: Resource, spans: SpanSink, events: EventSink) -> Pipeline:
    """What is there without being asked for another: all goes to the spool, somebody ships it.

    That somebody is us, between the timed runs, as a supervisor would be beside the program.
    """
    root = tempfile.mkdtemp(prefix="exectrail-benchmark-")
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    os.environ[SUPERVISOR] = "benchmark"
    os.environ["EXECTRAIL_SPOOL"] = root
    try:
        pipeline = spooled(from_exporters(Exporters(), resource, VERSION), ALL, resource, VERSION)
    finally:
        del os.environ[SUPERVISOR], os.environ["EXECTRAIL_SPOOL"]
    if pipeline.spool is None or pipeline.spool.folder is None:
        raise SystemExit(f"there can be no spool in {root}")
    _claims.append(pipeline.spool.folder.claim())
    shipper = Shipper(pipeline.spool.folder, _Counting(spans, events))

    def flush() -> None:
        pipeline.flush()
        shipper.ship()

    return replace(pipeline, flush=flush)


def sampled_out(resource: Resource, spans: SpanSink, events: EventSink) -> Pipeline:
    """The same, with a sampler that keeps no span."""
    os.environ["OTEL_TRACES_SAMPLER"] = "always_off"
    try:
        return own(resource, spans, events)
    finally:
        del os.environ["OTEL_TRACES_SAMPLER"]


def programs(resource: Resource, spans: SpanSink, events: EventSink) -> Pipeline:
    """The program's providers, as under opentelemetry-instrument."""
    tracers, loggers = _sdk(resource, spans, events)
    options = {
        "tracer_provider": tracers,
        "logger_provider": loggers,
        "meter_provider": MeterProvider(shutdown_on_exit=False),
    }
    return from_providers(options, {}, VERSION)


class Exectrail:
    """The adapter. It notes metrics and measures resources too, which the floor does not.

    Args:
        resource: Which service, host and worker.
        name: What to call it.
        providers: Where signals go.
        recording: False: executions are kept, and nobody is told of them.
        measuring: Measure what the run and its agents take of the machine, as is the default.
    """

    def __init__(
        self,
        resource: Resource,
        name: str = "exectrail",
        *,
        providers: Callable[[Resource, SpanSink, EventSink], Pipeline] = own,
        recording: bool = True,
        measuring: bool = True,
    ) -> None:
        self.name = name
        self.spans, self.events = SpanSink(), EventSink()
        self._pipeline = providers(resource, self.spans, self.events)
        self._metrics = Metrics(self._pipeline.meter)
        recorder = OTelRecorder(
            self._pipeline.spans,
            Events(self._pipeline.records, self._pipeline.always),
            self._metrics,
            PriceTable(),
            TextRules(),
        )
        self._engine = Executions(recorder if recording else NullRecorder())
        if measuring:
            self._engine.meter = ProcessMeter()
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
