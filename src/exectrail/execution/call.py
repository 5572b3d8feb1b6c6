"""Model calls: not executions, but what they cost. Each has a span and one usage event."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from exectrail.conventions.names import UsageRole
from exectrail.execution.errors import ErrorInfo
from exectrail.execution.usage import Usage
from exectrail.guard import guard

if TYPE_CHECKING:
    from exectrail.execution.execution import Execution

_GUARD = guard("execution.model_call")


@dataclass(frozen=True, slots=True)
class ProviderCost:
    """What the provider itself says that a call cost."""

    amount: Decimal
    currency: str = "USD"


class ModelCall:
    """One call of a model, owned by the execution that made it.

    A call that ended well tells its usage, even where no tokens are known: unknown is not 0. A call
    that failed tells usage only where the provider counted some.
    """

    __slots__ = (
        "cost",
        "ended_ns",
        "error",
        "execution",
        "finish_reasons",
        "operation",
        "provider",
        "request_model",
        "response_id",
        "response_model",
        "role",
        "started_ns",
        "trace",
        "usage",
    )

    def __init__(
        self, execution: Execution, provider: str, model: str, operation: str, started_ns: int
    ) -> None:
        self.execution = execution
        self.provider = provider
        self.request_model = model
        self.operation = operation
        self.started_ns = started_ns
        self.ended_ns = 0
        self.usage = Usage()
        self.response_model = ""
        self.response_id = ""
        self.finish_reasons: tuple[str, ...] = ()
        self.role = UsageRole.BILLING
        self.cost: ProviderCost | None = None
        self.error: ErrorInfo | None = None
        self.trace: object | None = None
        """The recorder's own."""

    def end(
        self,
        usage: Usage | None = None,
        *,
        response_model: str = "",
        response_id: str = "",
        finish_reasons: tuple[str, ...] = (),
        role: UsageRole = UsageRole.BILLING,
        cost: ProviderCost | None = None,
    ) -> None:
        """The call ended well."""
        with _GUARD:
            if self._first_end():
                self.usage = usage or self.usage
                self.response_model = response_model
                self.response_id = response_id
                self.finish_reasons = finish_reasons
                self.role = role
                self.cost = cost
                self._tell(usage=True)

    def fail(self, error: BaseException | str, usage: Usage | None = None) -> None:
        """The call failed."""
        with _GUARD:
            info = ErrorInfo.of(error)
            if self._first_end():
                self.error = info
                self.usage = usage or self.usage
                self._tell(usage=self.usage.known)

    def cancel(self, usage: Usage | None = None) -> None:
        """The call was given up: a closed stream, a cancelled task. What it cost may be unknown."""
        with _GUARD:
            if self._first_end():
                self.usage = usage or self.usage
                self._tell(usage=True)

    def _first_end(self) -> bool:
        """End it, unless it has ended: what a call cost is told once."""
        engine = self.execution.engine
        with engine.lock:
            if self.ended_ns:
                return False
            self.ended_ns = max(engine.now_ns(), self.started_ns)
        return True

    def _tell(self, *, usage: bool) -> None:
        sequence = self.execution.next_sequence() if usage else None
        self.execution.engine.recorder.call_closed(self, sequence)
