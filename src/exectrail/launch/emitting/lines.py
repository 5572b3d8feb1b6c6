"""What a call tells, as lines of OTLP/JSON: the recorder of executions that live in a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from exectrail.conventions import names
from exectrail.execution import (
    Artifact,
    Execution,
    ModelCall,
    NullRecorder,
    Progress,
    Result,
    Transition,
)
from exectrail.signals import contents
from exectrail.signals.attributes import Attributes, cut, identity
from exectrail.signals.contents import TextRules
from exectrail.spool import LogLines, SpanFact, SpanLines, Stream

if TYPE_CHECKING:
    from exectrail.config import Config
    from exectrail.execution import ErrorInfo
    from exectrail.pricing import PriceTable

_INTERNAL: Final = 1
_CLIENT: Final = 3
"""SpanKind of the protocol."""
_DETAILS: Final = frozenset(
    {
        names.EVENT_EXECUTION_PROGRESS,
        names.EVENT_EXECUTION_RESULT,
        names.EVENT_EXECUTION_ARTIFACT,
    }
)


class Place(NamedTuple):
    """Where an execution's span stands in its trace."""

    trace_id: int
    span_id: int
    parent_span_id: int
    flags: int


class Line(NamedTuple):
    """A line for the spool."""

    stream: Stream
    text: bytes


class LineRecorder(NullRecorder):
    """Makes lines of what one execution reports.

    Args:
        resource: Which service, host and worker.
        place: Where its span stands.
        config: Prices, and what may be kept of texts.
    """

    def __init__(self, resource: Mapping[str, Any], place: Place, config: Config) -> None:
        self.lines: list[Line] = []
        self.refused: Transition | None = None
        """A transition that was not allowed."""
        self.problems: list[str] = []
        """What the user should know."""
        self._logs = LogLines(resource)
        self._spans = SpanLines(resource)
        self._place = place
        self._config = config
        self._texts = TextRules(config.errors != "type", config.error_limit)

    def changed(self, execution: Execution, transition: Transition) -> None:
        told = contents.changed(execution, transition, self._texts)
        level = contents.severity(transition)
        event = names.EVENT_EXECUTION_STATE_CHANGED
        self._event(event, execution, transition.sequence, told, transition.at_ns, level)
        if not transition.valid:
            self.refused = transition

    def closed(self, execution: Execution) -> None:
        state = execution.state or names.State.CREATED
        failed = state is names.State.FAILED
        about = {**identity(execution), **contents.closed(execution, state)}
        place = self._place
        self._span(
            contents.span_name(execution),
            _INTERNAL,
            place.span_id,
            place.parent_span_id,
            (execution.started_ns, execution.ended_ns),
            about,
            failed,
            execution.error if failed else None,
        )

    def progressed(self, execution: Execution, sequence: int, progress: Progress) -> None:
        told = contents.progressed(progress, self._texts)
        self._event(names.EVENT_EXECUTION_PROGRESS, execution, sequence, told)

    def resulted(self, execution: Execution, sequence: int, result: Result) -> None:
        told = contents.resulted(result, self._texts)
        self._event(names.EVENT_EXECUTION_RESULT, execution, sequence, told)

    def made(self, execution: Execution, sequence: int, artifact: Artifact) -> None:
        told = contents.made(artifact)
        self._event(names.EVENT_EXECUTION_ARTIFACT, execution, sequence, told)

    def call_closed(self, call: ModelCall, sequence: int | None) -> None:
        from exectrail.signals import money

        cost = money.price(call, self._prices())
        base = contents.call_base(call)
        used = contents.used(call, money.cost_attributes(cost))
        span_id = int.from_bytes(os.urandom(8), "big") or 1
        if sequence is not None:
            event = names.EVENT_INFERENCE_USAGE
            told = {**base, **used}
            self._event(event, call.execution, sequence, told, call.ended_ns, span_id=span_id)
        self._span(
            f"{cut(call.operation)} {cut(call.request_model)}".rstrip(),
            _CLIENT,
            span_id,
            self._place.span_id,
            (call.started_ns, call.ended_ns),
            {**base, **used},
            call.error is not None,
            call.error,
        )

    def _prices(self) -> PriceTable:
        from exectrail.pricing import PriceFileError, PriceTable

        try:
            return PriceTable(Path(self._config.prices) if self._config.prices else None)
        except PriceFileError as error:
            self.problems.append(f"{error}; prices of genai-prices alone")
            return PriceTable()

    def _event(
        self,
        event: str,
        execution: Execution,
        sequence: int,
        told: Attributes,
        at_ns: int | None = None,
        level: str = "",
        span_id: int = 0,
    ) -> None:
        attributes: Attributes = {
            **identity(execution),
            **told,
            names.EXECUTION_SEQUENCE: sequence,
            names.EVENT_NAME: event,
        }
        line = self._logs.line(
            event,
            execution.engine.now_ns() if at_ns is None else at_ns,
            level or names.EVENT_SEVERITY[event],
            attributes,
            trace_id=self._place.trace_id,
            span_id=span_id or self._place.span_id,
            flags=self._place.flags,
        )
        stream = Stream.LOGS if event in _DETAILS else Stream.STATES
        self.lines.append(Line(stream, line))

    def _span(
        self,
        name: str,
        kind: int,
        span_id: int,
        parent_span_id: int,
        times: tuple[int, int],
        attributes: Attributes,
        failed: bool,
        error: ErrorInfo | None,
    ) -> None:
        if not self._place.flags & 1:  # not sampled
            return
        message = self._texts.clean(error.message) if error is not None else ""
        events: list[tuple[str, int, Mapping[str, Any]]] = []
        if error is not None:
            attributes[names.ERROR_TYPE] = cut(error.type)
            about: Attributes = {names.EXCEPTION_TYPE: cut(error.type)}
            if message:
                about[names.EXCEPTION_MESSAGE] = message
            events.append(("exception", times[1], about))
        span = SpanFact(
            name=name,
            trace_id=self._place.trace_id,
            span_id=span_id,
            parent_span_id=parent_span_id,
            kind=kind,
            start_ns=times[0],
            end_ns=times[1],
            attributes=attributes,
            flags=self._place.flags,
            failed=failed,
            message=message,
            events=events,
        )
        self.lines.append(Line(Stream.TRACES, self._spans.line([span])))
