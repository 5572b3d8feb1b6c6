"""What every adapter package gives: one class with `install` and `uninstall`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar


class Adapter:
    """Base of the adapters; also what `opentelemetry-instrument` expects of an instrumentor.

    Found by the entry point groups `exectrail_adapter` and `opentelemetry_instrumentor`. State of
    an adapter belongs to its class: entry points make new instances.
    """

    name: ClassVar[str]
    """Name of the adapter, as in the extra: `langgraph`."""
    supports: ClassVar[tuple[str, ...]]
    """Requirements of the framework's distributions, PEP 508."""
    module: ClassVar[str]
    """The framework's module after whose import the hooks are installed. The module of an adapter
    imports neither it nor the framework: every process loads all installed adapters."""
    waiting: ClassVar[bool] = False
    """Whether the hooks are to be installed when the framework is imported."""
    installed: ClassVar[bool] = False
    """Whether the hooks are installed."""

    def __init_subclass__(cls) -> None:
        cls.waiting = cls.installed = False  # its own, not that of the adapter it builds on

    def install(self) -> None:
        """Hook the framework. Called once; may raise, and is undone then."""
        raise NotImplementedError

    def uninstall(self) -> None:
        """Put everything back as it was, also after an `install` that came half way."""
        raise NotImplementedError

    # -- the protocol of opentelemetry-instrument ---

    def instrumentation_dependencies(self) -> Collection[str]:
        """Requirements of the framework."""
        return self.supports

    def instrument(self, **options: Any) -> None:
        """Hook the framework and report to the providers given, else to the global ones.

        Called by hand, and by `opentelemetry-instrument` once it has set the global providers.
        Hooks when the framework is imported; now, if it has been.

        Args:
            options: `tracer_provider`, `logger_provider`, `meter_provider`; others are ignored.
        """
        from exectrail.autoload.adopt import use_providers
        from exectrail.autoload.hooking import hand_down, hook_when_imported, send_logs
        from exectrail.config import load
        from exectrail.guard import guard

        with guard(f"autoload.{self.name}"):
            config = load()
            if config.wants(self.name) and use_providers(options, config):
                hand_down(config, self.name)
                send_logs(config)
                hook_when_imported(type(self))

    def uninstrument(self, **_options: Any) -> None:
        """Take the hooks out, and do not wait for the framework any more."""
        from exectrail.autoload.hooking import hand_down_no_more

        hand_down_no_more(self.name)
        cls = type(self)
        cls.waiting = False
        if cls.installed:
            cls.installed = False
            self.uninstall()

    def activate(self) -> bool:
        """Hook the framework once.

        Returns:
            Whether it was done now.

        Raises:
            Exception: What `install` raised; nothing of the adapter stays hooked then.
        """
        from exectrail.guard import guard

        cls = type(self)
        if cls.installed:
            return False
        try:
            self.install()
        except Exception:
            with guard(f"autoload.{self.name}.uninstall"):
                self.uninstall()  # what it had hooked before it failed
            raise
        cls.installed = True
        return True
