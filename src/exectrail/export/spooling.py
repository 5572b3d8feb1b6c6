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
            line = self._lines.line(name, at_ns, level, attributes, body=body)
        else:
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
        self._waiting: deque[SpanFact] = deque()
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
        self._waiting.append(
            SpanFact(
                name=handle.name,
                trace_id=context.trace_id,
                span_id=context.span_id,
                parent_span_id=parent.span_id if parent is not None else 0,
                kind=handle.kind.value + 1,  # the protocol's enum begins with unspecified
                start_ns=handle.start_ns,
                end_ns=end_ns,
                attributes={**handle.base, **extra},
                flags=context.trace_flags,
                parent_is_remote=parent is not None and parent.is_remote,
                trace_state=context.trace_state.to_header() if context.trace_state else "",
                failed=error is not None,
                message=error.message if error is not None else "",
                events=[
                    (event.name, event.timestamp, event.attributes or {})
                    for event in error_events(error, end_ns)
                ],
            )
        )
        if not self._some.is_set():
            self._some.set()
        if len(self._waiting) > MOST_WAITING or not self._thread.is_alive():
            self.write_waiting()

    def write_waiting(self) -> None:
        """Write the spans that wait."""
        while self._waiting:
            spans: list[SpanFact] = []
            while self._waiting and len(spans) < SPANS_PER_LINE:
                try:
                    spans.append(self._waiting.popleft())
                except IndexError:  # another thread took it
                    break
            if spans:
                self._spool.write(Stream.TRACES, self._lines.line(spans), len(spans))

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
