"""Our own signals on their way to the spool: spans, events and metrics as OTLP/JSON lines."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace.sampling import Sampler

from exectrail.conventions import names
from exectrail.export.metric_lines import metrics_line, temporality
from exectrail.guard import guard, report
from exectrail.signals.attributes import Attributes
from exectrail.signals.spans import OwnSpans, SpanError, SpanHandle, error_events
from exectrail.spool import LogLines, SpanFact, SpanLines, Spool, Stream
from exectrail.spool.lines import pairs_json, span_json

_GUARD: Final = guard("export.spans")
_STATES: Final = frozenset(
    {
        names.EVENT_EXECUTION_STATE_CHANGED,
        names.EVENT_INFERENCE_USAGE,
        names.EVENT_WORKER_STARTED,
        names.EVENT_WORKER_HEARTBEAT,
        names.EVENT_WORKER_EXITED,
    }
)
"""Events without which a run would be shown as what it is not, or its cost."""
GATHER_S: Final = 0.04
"""Spans that ended are written at least so often: a killed process loses those of this time."""
MOST_WAITING: Final = 1024
"""Spans that wait to be written. Whoever ends one more writes them."""
SPANS_PER_LINE: Final = 64


class SpoolRecords:
    """Events and log records, each written before the call returns."""

    def __init__(self, spool: Spool, resource: Mapping[str, Any], version: str) -> None:
        self._spool = spool
        self._lines = LogLines(resource, version)

    def write(
        self,
        name: str,
        at_ns: int,
        level: str,
        attributes: Attributes,
        span: SpanHandle | None,
        body: str | None = None,
    ) -> None:
        stream = Stream.STATES if name in _STATES else Stream.LOGS
        if span is None:
            self._spool.write(stream, self._lines.line(name, at_ns, level, attributes, body=body))
            return
        base = ""
        if name and attributes.keys().isdisjoint(span.base):
            base = span.encoded
            if not base:
                base = span.encoded = pairs_json(span.base)
        elif name:
            attributes = {**span.base, **attributes}
        context = span.span_context
        line = self._lines.line(
            name,
            at_ns,
            level,
            attributes,
            trace_id=context.trace_id,
            span_id=context.span_id,
            flags=context.trace_flags,
            body=body,
            base=base,
        )
        self._spool.write(stream, line)


class SpoolSpans(OwnSpans):
    """Spans that ended, written a few hundredths of a second later by a thread of ours."""

    def __init__(
        self, spool: Spool, sampler: Sampler, resource: Mapping[str, Any], version: str
    ) -> None:
        super().__init__(sampler)
        self._spool = spool
        self._lines = SpanLines(resource, version)
        self._waiting: deque[str] = deque()
        self._some = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._live, name="exectrail-spool", daemon=True)

    def start_writing(self) -> None:
        """Start the thread."""
        with _GUARD:
            self._thread.start()

    def end(
        self, handle: SpanHandle, end_ns: int, extra: Attributes, error: SpanError | None
    ) -> None:
        context = handle.span_context
        if not context.trace_flags.sampled:
            return
        parent = handle.parent
        base, about = handle.encoded, extra
        if not base or not extra.keys().isdisjoint(handle.base):
            base, about = "", {**handle.base, **extra}
        fact = SpanFact(
            handle.name,
            context.trace_id,
            context.span_id,
            parent.span_id if parent is not None else 0,
            handle.kind.value + 1,  # the protocol's enum begins with unspecified
            handle.start_ns,
            end_ns,
            about,
            context.trace_flags,
            parent is not None and parent.is_remote,
            context.trace_state.to_header() if context.trace_state else "",
            error is not None,
            error.message if error is not None else "",
            _told(error, end_ns) if error is not None else (),
            base,
        )
        self._waiting.append(span_json(fact))
        if not self._some.is_set():
            self._some.set()
        if len(self._waiting) > MOST_WAITING or not self._thread.is_alive():
            self.write_waiting()

    def write_waiting(self) -> None:
        """Write the spans that wait."""
        while self._waiting:
            spans: list[str] = []
            while self._waiting and len(spans) < SPANS_PER_LINE:
                try:
                    spans.append(self._waiting.popleft())
                except IndexError:  # another thread took it
                    break
            if spans:
                self._spool.write(Stream.TRACES, self._lines.line_of(spans), len(spans))

    def stop_writing(self) -> None:
        """Write what waits, and end the thread."""
        self._stopping.set()
        self._some.set()
        with _GUARD:
            self.write_waiting()

    def _live(self) -> None:
        while not self._stopping.is_set():
            self._some.wait()
            self._stopping.wait(GATHER_S)
            self._some.clear()
            with _GUARD:
                self.write_waiting()


def _told(error: SpanError, end_ns: int) -> list[tuple[str, int, Mapping[str, Any]]]:
    return [
        (event.name, event.timestamp, event.attributes or {})
        for event in error_events(error, end_ns)
    ]


class SpoolMetrics(MetricExporter):
    """Metrics, written when the SDK's reader collects them."""

    def __init__(self, spool: Spool) -> None:
        super().__init__(temporality())
        self._spool = spool

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        with guard("export.metrics"):
            for resource_metrics in metrics_data.resource_metrics:
                for line, count in metrics_line(resource_metrics):
                    self._spool.write(Stream.METRICS, line, count)
            return MetricExportResult.SUCCESS
        report("export.metrics")
        return MetricExportResult.FAILURE

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        return None
