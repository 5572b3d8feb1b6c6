"""The execution that the running code belongs to: one context variable, and adapters' knowledge.

Frameworks that keep their own idea of the running node (LangChain's child config) let an adapter
register a resolver; so nothing has to be attached to a context that the framework throws away.
What another process started, a forked child's parent included, is not current here: it cannot be
written, but what starts here may lie beneath it.
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

LENT: ContextVar[Execution | None] = ContextVar("exectrail_lent", default=None)
"""What a thread took over from the one that started it; it is current there while it is open."""

Resolver = Callable[[], "Execution | None"]
_resolvers: list[Resolver] = []

Finder = Callable[["Execution | None"], "Execution | None"]
_finders: list[Finder] = []


def current() -> Execution | None:
    """The innermost execution of this process around the running code, or None."""
    found = innermost()
    return None if found is None or found.engine.left_behind else found


def around() -> Execution | None:
    """What an execution that starts now lies beneath: the current one, else one handed down."""
    found = innermost()
    if found is not None and not found.engine.left_behind:
        return found
    for find in _finders:
        with _GUARD:
            found = find(found)
    return found


def innermost() -> Execution | None:
    """The innermost execution around the running code, be it of this process or inherited."""
    attached = CURRENT.get()
    if attached is not None and attached.closed and attached is LENT.get():
        attached = _open(attached)
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


def hand_down_with(finder: Finder) -> Callable[[], None]:
    """Let a function say what was handed down to this process.

    Args:
        finder: Given the execution that a fork left in the context, or None; returns what an
            execution without one of this process around it lies beneath.

    Returns:
        A function that takes the finder out again.
    """
    _finders.append(finder)
    return lambda: _finders.remove(finder) if finder in _finders else None


def _open(lent: Execution) -> Execution | None:
    """It, or the nearest one around it that has not ended: threads outlive what started them."""
    node: Execution | None = lent
    while node is not None and node.closed:
        node = node.parent
    return node
