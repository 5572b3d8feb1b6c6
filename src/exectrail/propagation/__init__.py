"""Hands an execution down: to child processes by the environment, to pools task by task.

Enters: the current execution when a process, a thread or a task of a pool is started. Leaves: in
the child's environment or with the task its ids and trace, and in the child what its own first
executions lie beneath. Nothing goes into baggage, and nothing to other hosts.
Workers of pools load this: it imports nothing by itself.
May import: runtime, signals, execution, config, guard, conventions, the API of OpenTelemetry.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as `typing` has it, whose import would cost workers of pools
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["child_environment", "install", "uninstall"]


def child_environment(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment for a child process, in which it finds the current execution.

    For an environment that the program gives to its child itself; without one the child finds its
    parent anyway.

        subprocess.run(words, env=exectrail.child_environment({"PATH": os.environ["PATH"]}))

    Args:
        env: What the child is to have; the environment of this process if left out.

    Returns:
        A new dictionary: a copy of `env` with `EXECTRAIL_PARENT`, `TRACEPARENT` and where there is
        one `TRACESTATE`. A mere copy where nothing runs, or exectrail is off.
    """
    import os

    from exectrail.guard import guard

    environment = dict(os.environ if env is None else env)
    with guard("propagation.environment"):
        from exectrail.propagation.environment import hand_down

        hand_down(environment)
    return environment


def install(when_imported: Callable[[str, Callable[[], None]], None]) -> None:
    """Hand executions down from now on, and take what was handed down to this process.

    Args:
        when_imported: Calls a function once a module has been imported; now, if it has been.
    """
    from exectrail.propagation.switch import switch

    switch.on(when_imported)


def uninstall() -> None:
    """Put back everything that was patched, and forget what was handed down."""
    from exectrail.propagation.switch import switch

    switch.off()
