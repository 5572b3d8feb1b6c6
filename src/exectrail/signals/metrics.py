"""Metrics: what happened is noted on the program's thread, and recorded when metrics are collected.

Recording a measurement costs some 9 µs, noting it well under one. The notes are drained by the
callback of the one observable instrument, which the SDK runs before it collects the others; a long
queue is drained at once, so it stays bounded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from typing import Final, NamedTuple

from opentelemetry.metrics import CallbackOptions, Histogram, Meter, Observation

from exectrail.conventions import names
from exectrail.conventions.names import METRIC_BRIEFS, METRIC_BUCKETS, METRIC_UNITS, State
from exectrail.execution.states import OPEN
from exectrail.guard import dropped, guard
from exectrail.signals.attributes import Attributes

_GUARD = guard("signals.metrics")
MAX_NOTES: Final = 20_000
_COST_PLACE: Final = (names.GEN_AI_PROVIDER_NAME, names.GEN_AI_REQUEST_MODEL)


class StateNote(NamedTuple):
    """A transition inside this process, as metrics need it."""

    kind: str
    workflow: str
    previous: State | None
    """None on the first event of a segment: nothing of it was counted here before."""
    state: State
    reason: str
    seconds: float
    """How long the previous state lasted."""


class CloseNote(NamedTuple):
    """The end of a segment."""

    kind: str
    workflow: str
    name: str
    state: State
    error_type: str
    seconds: float


class CallNote(NamedTuple):
    """A model call, as metrics need it."""

    operation: str
    provider: str
    request_model: str
    response_model: str
    error_type: str
    seconds: float
    input_tokens: int | None
    output_tokens: int | None
    cost: Decimal | None
    currency: str


Note = StateNote | CloseNote | CallNote


class Metrics:
    """The instruments of this process."""

    def __init__(self, meter: Meter) -> None:
        self._notes: deque[Note] = deque()
        self._active = meter.create_up_down_counter(*_described(names.METRIC_EXECUTION_ACTIVE))
        self._transitions = meter.create_counter(*_described(names.METRIC_EXECUTION_TRANSITIONS))
        self._duration = _histogram(meter, names.METRIC_EXECUTION_DURATION)
        self._state_duration = _histogram(meter, names.METRIC_EXECUTION_STATE_DURATION)
        self._cost = meter.create_counter(*_described(names.METRIC_INFERENCE_COST))
        self._call_duration = _histogram(meter, names.METRIC_GEN_AI_CLIENT_OPERATION_DURATION)
        self._input = meter.create_counter(
            *_described(names.METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_INPUT_TOKENS)
        )
        self._output = meter.create_counter(
            *_described(names.METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_OUTPUT_TOKENS)
        )
        name, unit, brief = _described(names.METRIC_TELEMETRY_DROPPED)
        meter.create_observable_counter(name, [self._observe_dropped], unit, brief)

    def note(self, what: Note) -> None:
        """Take note; recorded when metrics are collected."""
        self._notes.append(what)
        if len(self._notes) > MAX_NOTES:
            self.drain()

    def drain(self) -> None:
        """Record what was noted."""
        while self._notes:
            try:
                note = self._notes.popleft()
            except IndexError:  # another thread took the last one
                return
            with _GUARD:
                match note:
                    case StateNote():
                        self._record_state(note)
                    case CloseNote():
                        self._record_close(note)
                    case CallNote():
                        self._record_call(note)

    def _observe_dropped(self, _options: CallbackOptions) -> Iterable[Observation]:
        with _GUARD:
            self.drain()
        return [
            Observation(count, {names.TELEMETRY_SITE: site}) for site, count in dropped().items()
        ]

    def _record_state(self, note: StateNote) -> None:
        place = _place(note.kind, note.workflow)
        moved: Attributes = {**place, names.EXECUTION_STATE: note.state.value}
        if note.previous is not None:
            self._active.add(-1, {**place, names.EXECUTION_STATE: note.previous.value})
            self._state_duration.record(
                note.seconds,
                {names.EXECUTION_KIND: note.kind, names.EXECUTION_STATE: note.previous.value},
            )
            moved[names.EXECUTION_PREVIOUS_STATE] = note.previous.value
        if note.state in OPEN:
            self._active.add(1, {**place, names.EXECUTION_STATE: note.state.value})
        if note.reason:
            moved[names.EXECUTION_REASON] = note.reason
        self._transitions.add(1, moved)

    def _record_close(self, note: CloseNote) -> None:
        if note.state in OPEN:  # a durable pause: open, but no longer in this process
            place = _place(note.kind, note.workflow)
            self._active.add(-1, {**place, names.EXECUTION_STATE: note.state.value})
        ended: Attributes = {
            names.EXECUTION_KIND: note.kind,
            names.EXECUTION_NAME: note.name,
            names.EXECUTION_STATE: note.state.value,
        }
        if note.error_type:
            ended[names.ERROR_TYPE] = note.error_type
        self._duration.record(note.seconds, ended)

    def _record_call(self, note: CallNote) -> None:
        call: Attributes = {
            key: value
            for key, value in (
                (names.GEN_AI_OPERATION_NAME, note.operation),
                (names.GEN_AI_PROVIDER_NAME, note.provider),
                (names.GEN_AI_REQUEST_MODEL, note.request_model),
            )
            if value
        }
        # Counters refuse what is below 0, with a word in the program's log.
        if note.cost is not None and note.currency == "USD" and note.cost >= 0:
            place = {key: call[key] for key in _COST_PLACE if key in call}
            self._cost.add(float(note.cost), place)
        for counter, count in (
            (self._input, note.input_tokens),
            (self._output, note.output_tokens),
        ):
            if count is not None and count >= 0:
                counter.add(count, {**call, names.GEN_AI_TOKEN_MODALITY: "text"})
        if note.response_model:
            call[names.GEN_AI_RESPONSE_MODEL] = note.response_model
        if note.error_type:
            call[names.ERROR_TYPE] = note.error_type
        self._call_duration.record(note.seconds, call)


def _place(kind: str, workflow: str) -> Attributes:
    place: Attributes = {names.EXECUTION_KIND: kind}
    if workflow:
        place[names.GEN_AI_WORKFLOW_NAME] = workflow
    return place


def _described(name: str) -> tuple[str, str, str]:
    return name, METRIC_UNITS[name], METRIC_BRIEFS[name]


def _histogram(meter: Meter, name: str) -> Histogram:
    unit, brief = METRIC_UNITS[name], METRIC_BRIEFS[name]
    buckets = METRIC_BUCKETS[name]
    return meter.create_histogram(
        name, unit, brief, explicit_bucket_boundaries_advisory=list(buckets)
    )
