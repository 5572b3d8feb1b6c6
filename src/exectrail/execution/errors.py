"""What is kept of an exception: its type and its text. The exception itself is let go."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """Type and message of an error, unscrubbed: the room that writes it out scrubs and cuts."""

    type: str
    """Fully qualified, as the attribute `error.type` of OpenTelemetry has it."""
    message: str = ""

    @classmethod
    def of(cls, error: BaseException | type[BaseException] | str) -> ErrorInfo:
        """Take type and message of an exception; a str is a message without an exception."""
        if isinstance(error, str):
            return cls("error", error)
        kind = error if isinstance(error, type) else type(error)
        module = kind.__module__
        name = kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"
        if isinstance(error, type):
            return cls(name)
        try:
            return cls(name, str(error))
        except Exception:  # noqa: BLE001  the program's own __str__ failed: keep the type
            return cls(name)
