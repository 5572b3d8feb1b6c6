"""The execution that the running code belongs to: one context variable, and adapters' knowledge.

Frameworks that keep their own idea of the running node (LangChain's child config) let an adapter
register a resolver; so nothing has to be attached to a context that the framework throws away.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING

from exectrail.guard import guard

if TYPE_CHECKING:
    from exectrail.execution.execution import Execution

_GUARD = guard("execution.current")
CURRENT: ContextVar[Execution | None] = ContextVar("exectrail_execution", default=None)

Resolver = Callable[[], "Execution | None"]
_resolvers: list[Resolver] = []


def current() -> Execution | None:
    """The innermost execution around the running code, or None."""
    attached = CURRENT.get()
    for resolve in _resolvers:
        found = None
        with _GUARD:
            found = resolve()
        if found is not None and (attached is None or not attached.within(found)):
            return found
    return attached


def resolve_current_with(resolver: Resolver) -> Callable[[], None]:
    """Let an adapter say what is current.

    Args:
        resolver: Returns the framework's running execution or None; called often, so cheap.

    Returns:
        A function that takes the resolver out again.
    """
    _resolvers.append(resolver)
    return lambda: _resolvers.remove(resolver) if resolver in _resolvers else None
