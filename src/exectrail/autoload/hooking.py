"""Hooks a framework when the program imports it, and what starts processes and threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exectrail.autoload.imports import watch
from exectrail.autoload.requirements import MissingError, UnsupportedError, check
from exectrail.guard import guard, logger

if TYPE_CHECKING:
    from exectrail.autoload.adapter import Adapter
    from exectrail.config import Config

_handing_down: set[str] = set()
"""Who wants it: adapters by name, and whoever switched all of exectrail on."""


def hook_when_imported(adapter: type[Adapter]) -> None:
    """Hook an adapter's framework once its module has been imported; now, if it has been."""

    def hook() -> None:
        if not adapter.waiting:
            return
        adapter.waiting = False
        with guard(f"autoload.{adapter.name}"):
            try:
                check(adapter.supports)
            except (MissingError, UnsupportedError) as problem:
                logger.warning("exectrail: adapter %s stays off: %s", adapter.name, problem)
                return
            adapter().activate()

    adapter.waiting = not adapter.installed
    watch.when_imported(adapter.module.partition(".")[0], _load_runtime)
    watch.when_imported(adapter.module, hook)


def _load_runtime() -> None:
    """Arm while a framework is imported: most often by the main thread.

    Only from there can SIGTERM be watched, and the first execution may be another thread's.
    """
    with guard("autoload.arm"):
        from exectrail import runtime  # noqa: F401  # pyright: ignore[reportUnusedImport]


def send_logs(config: Config) -> None:
    """Send along what the program logs inside executions, if the settings say so."""
    if config.logs:
        with guard("autoload.logs"):
            from exectrail.autoload.logs import logs

            logs.send()


def hand_down(config: Config, wanted_by: str) -> None:
    """See to it that processes, threads and tasks find the execution that starts them.

    Args:
        config: Whether that is wanted at all.
        wanted_by: Who has to say `hand_down_no_more`.
    """
    if config.propagation:
        with guard("autoload.hand_down"):
            from exectrail import propagation

            _handing_down.add(wanted_by)
            propagation.install(watch.when_imported)


def hand_down_no_more(wanted_by: str = "") -> None:
    """Put all that back, once nobody wants it; nobody does where nobody is named."""
    if not _handing_down:
        return
    _handing_down.discard(wanted_by)
    if not wanted_by or not _handing_down:
        _handing_down.clear()
        with guard("autoload.hand_down"):
            from exectrail import propagation

            propagation.uninstall()
