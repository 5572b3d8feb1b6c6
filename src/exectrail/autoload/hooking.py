"""Hooks a framework when the program imports it, and what starts processes and threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exectrail.autoload.imports import watch
from exectrail.autoload.requirements import MissingError, UnsupportedError, check
from exectrail.guard import guard, logger

if TYPE_CHECKING:
    from exectrail.autoload.adapter import Adapter
    from exectrail.config import Config


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
    watch.when_imported(adapter.module, hook)


def send_logs(config: Config) -> None:
    """Send along what the program logs inside executions, if the settings say so."""
    if config.logs:
        with guard("autoload.logs"):
            from exectrail.autoload.logs import logs

            logs.send()


def hand_down(config: Config) -> None:
    """See to it that processes, threads and tasks find the execution that starts them."""
    if config.propagation:
        with guard("autoload.hand_down"):
            from exectrail import propagation

            propagation.install(watch.when_imported)
