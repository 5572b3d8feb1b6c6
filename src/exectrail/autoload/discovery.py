"""Finds the adapters that are installed, and hooks each framework when the program imports it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from exectrail.autoload.adapter import Adapter
from exectrail.autoload.hooking import hook_when_imported
from exectrail.autoload.imports import watch
from exectrail.autoload.requirements import MissingError, UnsupportedError, check
from exectrail.config import Config
from exectrail.guard import guard

GROUP: Final = "exectrail_adapter"
"""The entry point group; the name of an entry is the adapter's name."""


class Fit(StrEnum):
    """What is known of an adapter here."""

    READY = "ready"
    """Its framework is installed in a supported version; hooked when the program imports it."""
    DISABLED = "disabled"
    """Left out by EXECTRAIL_ADAPTERS or EXECTRAIL_DISABLED_ADAPTERS."""
    MISSING = "missing"
    """Its framework is not installed."""
    UNSUPPORTED = "unsupported"
    """Its framework is installed in another version than it knows."""
    BROKEN = "broken"
    """It cannot be loaded."""


@dataclass(frozen=True, slots=True)
class Found:
    """An adapter that is installed, and what is known of it."""

    name: str
    distribution: str
    version: str
    fit: Fit
    detail: str = ""
    """Why it does not fit, or the framework's versions."""


def installed(config: Config) -> list[EntryPoint]:
    """Entry points of the adapters that the settings want, by name; each name once."""
    entries: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUP):
        entries.setdefault(entry.name, entry)
    return [entries[name] for name in sorted(entries) if config.wants(name)]


def load(entry: EntryPoint) -> type[Adapter]:
    """The class behind an entry point.

    Raises:
        TypeError: What stands there is no adapter.
        Exception: Whatever importing it raises.
    """
    found = entry.load()
    if not (isinstance(found, type) and issubclass(found, Adapter)):
        raise TypeError(f"{entry.value} is not a subclass of exectrail.autoload.Adapter")
    return found


def activate(config: Config) -> list[str]:
    """Hook the frameworks that are imported already, and the others when they are imported.

    Args:
        config: Which adapters are wanted.

    Returns:
        Names of the adapters that wait for their framework, or have hooked it. One that cannot be
        loaded is left out, and logged once.
    """
    names: list[str] = []
    for entry in installed(config):
        with guard(f"autoload.{entry.name}"):
            adapter = load(entry)
            hook_when_imported(adapter)
            names.append(entry.name)
    return names


def deactivate() -> None:
    """Take all hooks out, and wait for no framework any more."""
    watch.forget()
    for adapter in _subclasses(Adapter):
        if adapter.installed or adapter.waiting:
            with guard(f"autoload.{adapter.name}"):
                adapter().uninstrument()


def describe(config: Config) -> list[Found]:
    """What is known of each installed adapter, without importing any framework."""
    return [_describe(entry, config) for entry in sorted(entry_points(group=GROUP), key=_by_name)]


def _by_name(entry: EntryPoint) -> str:
    return entry.name


def _describe(entry: EntryPoint, config: Config) -> Found:
    def found(fit: Fit, detail: str = "") -> Found:
        dist = entry.dist
        return Found(
            entry.name, dist.name if dist else "", dist.version if dist else "", fit, detail
        )

    if not config.wants(entry.name):
        return found(Fit.DISABLED, "by the settings")
    try:
        versions = check(load(entry).supports)
    except MissingError as problem:
        return found(Fit.MISSING, f"needs {problem}")
    except UnsupportedError as problem:
        return found(Fit.UNSUPPORTED, str(problem))
    except Exception as error:  # noqa: BLE001  told to whoever asks, instead of swallowed
        return found(Fit.BROKEN, f"{type(error).__name__}: {error}")
    return found(Fit.READY, ", ".join(f"{name} {version}" for name, version in versions.items()))


def _subclasses(of: type[Adapter]) -> Iterable[type[Adapter]]:
    for adapter in of.__subclasses__():
        yield adapter
        yield from _subclasses(adapter)
