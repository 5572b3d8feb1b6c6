"""Zero code: finds the adapters that are installed, and hooks each framework once it is imported.

Enters: entry points, the settings, and what the program imports. Leaves: hooked frameworks and an
armed runtime. No framework is imported here, nor the OpenTelemetry SDK before it is needed.
May import: runtime, propagation, execution, config, guard, conventions.
"""

from __future__ import annotations

TYPE_CHECKING = False  # every process under `exectrail run` loads this, `typing` only some
if TYPE_CHECKING:
    from typing import Any

    from opentelemetry._logs import LoggerProvider
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

__all__ = ["instrument", "instrument_when_needed", "uninstrument"]


def instrument(
    *,
    tracer_provider: TracerProvider | None = None,
    logger_provider: LoggerProvider | None = None,
    meter_provider: MeterProvider | None = None,
) -> tuple[str, ...]:
    """Switch exectrail on: the API reports, and installed adapters hook their frameworks.

    A framework that the program has not imported yet is hooked when it is. Calling it again adds
    nothing.

    Args:
        tracer_provider: Where spans go.
        logger_provider: Where events go; states and usage are events.
        meter_provider: Where metrics go.
            Without any of them exectrail uses providers of its own, by the OTEL_* variables; with
            one of them, the global one for each that is left out.

    Returns:
        Names of the adapters; none where EXECTRAIL_DISABLED or OTEL_SDK_DISABLED is true. Nothing
        is raised: what cannot be switched on is logged.
    """
    from exectrail.guard import guard

    options: dict[str, Any] = {
        "tracer_provider": tracer_provider,
        "logger_provider": logger_provider,
        "meter_provider": meter_provider,
    }
    names: list[str] = []
    with guard("autoload.instrument"):
        from exectrail import runtime
        from exectrail.autoload import discovery
        from exectrail.autoload.hooking import hand_down, send_logs
        from exectrail.config import load

        config = load()
        if any(options.values()):
            from exectrail.autoload.adopt import use_providers

            on = use_providers(options, config)
        else:
            on = runtime.arm(config)
        if on:
            hand_down(config, "autoload")
            send_logs(config)
            names = discovery.activate(config)
    return tuple(names)


def uninstrument() -> None:
    """Switch exectrail off: take all hooks out, hand over what waits, and report no more."""
    from exectrail.guard import guard

    with guard("autoload.uninstrument"):
        from exectrail import runtime
        from exectrail.autoload import discovery
        from exectrail.autoload.hooking import hand_down_no_more
        from exectrail.autoload.logs import logs

        logs.stop()
        hand_down_no_more()
        discovery.deactivate()
        runtime.shutdown()


def instrument_when_needed() -> None:
    """Switch exectrail on before the first import of anything beyond the standard library.

    For the start of a process, where most never come to need it: see `exectrail run`.
    """
    from exectrail.autoload.imports import watch

    watch.at_first_foreign_import(_watch_frameworks)


def _watch_frameworks() -> None:
    from exectrail.guard import guard

    with guard("autoload.instrument"):
        from exectrail.autoload import discovery
        from exectrail.autoload.hooking import hand_down, send_logs
        from exectrail.autoload.imports import watch
        from exectrail.config import load

        def arm() -> None:
            with guard("autoload.arm"):
                from exectrail import runtime

                if runtime.arm(config):
                    hand_down(config, "autoload")
                    send_logs(config)

        config = load()
        if not config.disabled:
            # Adapters and the API import the runtime; without them nobody needs it.
            watch.when_imported("exectrail.runtime", arm)
            discovery.activate(config)
