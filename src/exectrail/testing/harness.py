"""The real write half with everything kept in memory, a fake clock and fake ids.

    with Harness() as harness:
        run_the_program()
    assert harness.tree() == '''
    workflow office completed
      agent writer completed iterations=1
        chat gpt-4o in=11 out=5 cost=0.0000775 USD
    '''.strip()

Executions go through the recorder of `signals`, so what is read here is what would be exported: the
spans, the events with their attributes, and the metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import StatusCode

from exectrail import runtime
from exectrail.conventions import names
from exectrail.execution import Executions
from exectrail.export import from_providers, worker_attributes
from exectrail.pricing import PriceTable
from exectrail.signals import OTelRecorder
from exectrail.signals.events import Events
from exectrail.signals.metrics import Metrics
from exectrail.signals.recorder import TextRules
from exectrail.signals.records import OwnRecords
from exectrail.signals.spans import LateSpans
from exectrail.testing.fakes import FakeClock, FakeIds

_PREFIXES: Final = (f"{names.ROOT}.execution.", f"{names.ROOT}.", "gen_ai.")
VARYING: Final = frozenset(
    {
        names.EVENT_NAME,
        names.EXECUTION_ID,
        names.EXECUTION_PARENT_ID,
        names.EXECUTION_ROOT_ID,
        names.COST_PRICE_VERSION,
        names.VARIABLE_HASH,
        names.WORKER_ID,
        names.HOST_NAME,
        names.PROCESS_PID,
    }
)
"""What differs between runs or installations, and is left out of `Harness.events`."""


def short(name: str) -> str:
    """A name as the harness shows it: without `exectrail.execution.`, `exectrail.` or `gen_ai.`."""
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name


@dataclass(frozen=True, slots=True)
class Spread:
    """The values of one histogram series."""

    count: int
    total: float
    buckets: Mapping[float, int]
    """Upper bound -> how many fell into it, where any did; the last bound is infinite."""


class Harness:
    """The write half of a process, in memory; a context manager, or `start` and `close`.

    Args:
        capture_content: Keep values of variables.
        keep_texts: Keep messages of errors and progress, scrubbed; else types alone.
        text_limit: Characters kept of a message.
        sampler: Which traces get spans.
        prices: The user's price file.
        user_providers: Report to providers as a user would set them up, instead of our own.
        project: `service.namespace`.
    """

    def __init__(
        self,
        *,
        capture_content: bool = False,
        keep_texts: bool = True,
        text_limit: int = 1024,
        sampler: Sampler = ALWAYS_ON,
        prices: Path | None = None,
        user_providers: bool = False,
        project: str = "",
    ) -> None:
        self.clock = FakeClock()
        self.project = project
        self._spans = _KeptSpans()
        self._records = _KeptRecords()
        self._reader = InMemoryMetricReader()
        resource = Resource({names.SERVICE_NAME: "test", names.SERVICE_NAMESPACE: project})
        scope = InstrumentationScope(names.ROOT, "0")
        meters = MeterProvider([self._reader], resource, shutdown_on_exit=False)
        always = {}
        if user_providers:
            tracers = TracerProvider(sampler, resource, shutdown_on_exit=False)
            tracers.add_span_processor(self._spans)
            loggers = LoggerProvider(resource, shutdown_on_exit=False)
            loggers.add_log_record_processor(self._records)
            always = worker_attributes("worker", 45.0)
            given = {
                "tracer_provider": tracers,
                "logger_provider": loggers,
                "meter_provider": meters,
            }
            pipeline = from_providers(given, always, "0")
            spans, records, meter = pipeline.spans, pipeline.records, pipeline.meter
        else:
            spans = LateSpans(self._spans, sampler, resource, scope)
            records = OwnRecords(self._records, resource, scope)
            meter = meters.get_meter(names.ROOT, "0")
        self.recorder = OTelRecorder(
            spans,
            Events(records, always),
            Metrics(meter),
            PriceTable(prices),
            TextRules(keep_texts, text_limit),
        )
        self.executions = Executions(
            self.recorder, now_ns=self.clock, new_id=FakeIds(), capture_content=capture_content
        )
        self._restore: Callable[[], None] | None = None

    def start(self) -> Self:
        """Put it in place of this process's own write half."""
        self._restore = runtime.install(self.executions, self.project)
        return self

    def close(self) -> None:
        """Put back what was there. What was reported stays to be looked at."""
        restore, self._restore = self._restore, None
        if restore is not None:
            restore()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.close()

    # -- what was reported -------------------------------------------------------------------------

    def spans(self) -> list[ReadableSpan]:
        """The spans that ended, in that order."""
        return list(self._spans.kept)

    def records(self) -> list[ReadWriteLogRecord]:
        """The events as log records, in the order they were written."""
        return list(self._records.kept)

    def events(self, *only: str, varying: bool = False) -> list[dict[str, Any]]:
        """The events as dictionaries: `event` and the attributes, under short names.

        Args:
            only: Short names of events; all of them if empty.
            varying: With ids and what else differs between runs.
        """
        shown: list[dict[str, Any]] = []
        for kept in self._records.kept:
            record = kept.log_record
            event = short(record.event_name or "")
            if only and event not in only:
                continue
            attributes = dict(record.attributes or {})
            shown.append(
                {
                    "event": event,
                    **{
                        short(name): value
                        for name, value in sorted(attributes.items())
                        if varying or name not in VARYING
                    },
                }
            )
        return shown

    def metrics(self) -> dict[str, dict[str, int | float | Spread]]:
        """The metrics now: short name -> attributes as text, `kind=step state=failed` -> value."""
        data = self._reader.get_metrics_data()
        found: dict[str, dict[str, int | float | Spread]] = {}
        for group in data.resource_metrics if data is not None else ():
            for metric in (metric for scope in group.scope_metrics for metric in scope.metrics):
                found[short(metric.name)] = {
                    _series(point.attributes or {}): _measured(point)
                    for point in metric.data.data_points
                }
        return found

    def tree(self) -> str:
        """The spans as a tree of text, children beneath their parents, in order of their start.

        An execution: kind, name, state(reason), attempt, iteration, iterations. A model call:
        operation, model, tokens, cost. A failed one ends with its error; other spans are `span
        NAME`.
        """
        spans = sorted(self._spans.kept, key=lambda span: span.start_time or 0)
        known = {span.context.span_id for span in spans if span.context is not None}
        beneath: dict[int, list[ReadableSpan]] = {}
        for span in spans:
            above = span.parent.span_id if span.parent is not None else 0
            beneath.setdefault(above if above in known else 0, []).append(span)
        return "\n".join(_lines(beneath.get(0, []), beneath, ""))


class _KeptSpans(SpanProcessor):
    def __init__(self) -> None:
        self.kept: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.kept.append(span)


class _KeptRecords(LogRecordProcessor):
    def __init__(self) -> None:
        self.kept: list[ReadWriteLogRecord] = []

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        self.kept.append(log_record)

    def shutdown(self) -> None: ...

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


def _series(attributes: Mapping[str, Any]) -> str:
    return " ".join(f"{short(name)}={value}" for name, value in sorted(attributes.items()))


def _measured(point: Any) -> int | float | Spread:
    if not isinstance(point, HistogramDataPoint):
        return point.value
    bounds = (*point.explicit_bounds, float("inf"))
    filled = {bound: n for bound, n in zip(bounds, point.bucket_counts, strict=True) if n}
    return Spread(point.count, point.sum, filled)


def _lines(
    spans: Iterable[ReadableSpan], beneath: Mapping[int, list[ReadableSpan]], indent: str
) -> list[str]:
    lines: list[str] = []
    for span in spans:
        lines.append(indent + _line(span))
        own = span.context.span_id if span.context is not None else 0
        lines += _lines(beneath.get(own, []), beneath, f"{indent}  ")
    return lines


def _line(span: ReadableSpan) -> str:
    attributes = span.attributes or {}
    if names.EXECUTION_STATE in attributes:
        words = _execution_words(attributes)
    elif names.USAGE_ROLE in attributes:
        words = _call_words(attributes)
    else:
        words = ["span", span.name]
    if span.status.status_code is StatusCode.ERROR:
        error = str(attributes.get(names.ERROR_TYPE, ""))
        words.append(" ".join(filter(None, ["ERROR", error, span.status.description])))
    return " ".join(words)


def _execution_words(attributes: Mapping[str, Any]) -> list[str]:
    state = str(attributes[names.EXECUTION_STATE])
    if reason := attributes.get(names.EXECUTION_REASON):
        state = f"{state}({reason})"
    words = [str(attributes[key]) for key in (names.EXECUTION_KIND, names.EXECUTION_NAME)]
    words.append(state)
    if (attempt := attributes.get(names.EXECUTION_ATTEMPT, 1)) != 1:
        words.append(f"attempt={attempt}")
    turns = (names.EXECUTION_ITERATION, names.EXECUTION_ITERATIONS)
    return [*words, *(f"{short(key)}={attributes[key]}" for key in turns if key in attributes)]


_COUNTS: Final = {
    "in": names.GEN_AI_USAGE_INPUT_TOKENS,
    "out": names.GEN_AI_USAGE_OUTPUT_TOKENS,
    "cache_read": names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
    "cache_write": names.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
    "reasoning": names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
}


def _call_words(attributes: Mapping[str, Any]) -> list[str]:
    words = [str(attributes.get(names.GEN_AI_OPERATION_NAME, ""))]
    model = attributes.get(names.GEN_AI_RESPONSE_MODEL, attributes.get(names.GEN_AI_REQUEST_MODEL))
    words.append(str(model or "?"))
    words += [f"{word}={attributes[key]}" for word, key in _COUNTS.items() if key in attributes]
    if names.COST_AMOUNT in attributes:
        words.append(f"cost={attributes[names.COST_AMOUNT]} {attributes[names.COST_CURRENCY]}")
    else:
        words.append("cost=?")
    return words
