"""Settings: the environment and `exectrail.toml`, read once into a frozen dataclass.

The standard OTEL_* variables are read by OpenTelemetry itself wherever it defines them; here stand
ours, and the few defaults that differ. The environment wins over the file.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from exectrail.guard import logger

FILE: Final = "exectrail.toml"
DEFAULT_ENDPOINT: Final = "http://127.0.0.1:4318"
"""Where the embedded stack listens for OTLP/HTTP."""
MAX_LEASE: Final = 86_400.0
"""Seconds. Nobody waits longer than a day for a process to be called dead."""
DEFAULT_CLICKHOUSE_URL: Final = "http://127.0.0.1:8123"
"""Where the embedded stack answers the ClickHouse HTTP protocol."""


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of a process. Every field has a variable `EXECTRAIL_<FIELD>` in upper case."""

    disabled: bool = False
    """Switch everything off. `OTEL_SDK_DISABLED=true` does the same."""
    lease: float = 45.0
    """Seconds a worker may be silent before its executions are judged; it beats each third."""
    errors: str = "full"
    """`full`: type and scrubbed message of exceptions; `type`: the type alone."""
    error_limit: int = 1024
    """Characters kept of an error message or a progress message."""
    logs: bool = False
    """Send log records that the program writes inside an execution, scrubbed, with its id."""
    capture_content: bool = False
    """Keep the values of variables. Prompts and results are not captured in any case."""
    prices: str = ""
    """TOML file with the user's own prices, over those of genai-prices."""
    resources: str = "roots"
    """CPU, memory and disk: `roots` tells them of each execution without a parent in the process
    and of each agent; `all` of every execution; `off` measures nothing."""
    adapters: tuple[str, ...] = ()
    """Only these adapters; all installed ones if empty."""
    disabled_adapters: tuple[str, ...] = ()
    """Not these adapters."""
    propagation: bool = True
    """Hand the current execution down to child processes, threads and tasks of pools, and take what
    was handed down to this process."""
    clickhouse_url: str = DEFAULT_CLICKHOUSE_URL
    """ClickHouse HTTP address that the commands read from."""
    stuck_after: float = 0.0
    """Seconds that nothing may be heard of an execution without past runs to measure by, until it
    is called stuck; the judge writes it into the store. 0 leaves what stands there (an hour)."""
    path: str = ""
    """Directory of the embedded stack; the user's data directory if empty."""

    def wants(self, adapter: str) -> bool:
        """Whether an adapter is to be switched on, by its name."""
        if adapter in self.disabled_adapters:
            return False
        return not self.adapters or adapter in self.adapters


def _word(value: object) -> str:
    return str(value).strip().lower()


_TRUE = frozenset({"1", "true", "yes", "on"})
_CONVERT: Final[Mapping[str, Any]] = {
    "bool": lambda value: value if isinstance(value, bool) else _word(value) in _TRUE,
    "float": float,
    "int": int,
    "str": str,
    "tuple[str, ...]": lambda value: tuple(
        part.strip()
        for part in (value.split(",") if isinstance(value, str) else value)
        if part.strip()
    ),
}


def load(environment: Mapping[str, str] | None = None, file: Path | None = None) -> Config:
    """Read the settings.

    Args:
        environment: Variables; those of the process if left out.
        file: A TOML file; `EXECTRAIL_CONFIG`, else `exectrail.toml` in the working directory.

    Returns:
        The settings. A value that cannot be read is logged and left at its default: bad settings
        of ours never stop the program.
    """
    env = os.environ if environment is None else environment
    named = env.get("EXECTRAIL_CONFIG", "")
    values = _read(file or Path(named or FILE), asked_for=bool(file or named))
    for name in Config.__dataclass_fields__:
        variable = f"EXECTRAIL_{name.upper()}"
        if env.get(variable, "") != "":
            values[name] = env[variable]
    kept: dict[str, Any] = {}
    for name, definition in Config.__dataclass_fields__.items():
        if name not in values:
            continue
        try:
            kept[name] = _CONVERT[str(definition.type)](values[name])
        except (TypeError, ValueError, AttributeError):
            _refuse(name, "cannot be read; its default holds")
    if _word(env.get("OTEL_SDK_DISABLED", "")) == "true":
        kept["disabled"] = True
    if not 0 < kept.get("lease", 1.0) <= MAX_LEASE:
        _refuse("lease", f"must be above 0 and at most {MAX_LEASE:.0f} seconds; its default holds")
        del kept["lease"]
    if not 0 <= kept.get("stuck_after", 0.0) < float("inf"):
        _refuse("stuck_after", "must be a number of seconds from 0 on; its default holds")
        del kept["stuck_after"]
    if kept.get("error_limit", 0) < 0:
        _refuse("error_limit", "must not be below 0; its default holds")
        del kept["error_limit"]
    kept["errors"] = _word(kept.get("errors", "full"))
    if kept["errors"] not in ("full", "type"):
        _refuse("errors", "is full or type; type holds, which keeps no text")
        kept["errors"] = "type"
    kept["resources"] = _word(kept.get("resources", "roots"))
    if kept["resources"] not in ("roots", "all", "off"):
        _refuse("resources", "is roots, all or off; roots holds")
        kept["resources"] = "roots"
    return Config(**kept)


def _refuse(setting: str, why: str) -> None:
    logger.warning("exectrail: setting %s %s", setting, why)


def _read(file: Path, *, asked_for: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        if asked_for or not isinstance(error, FileNotFoundError):
            logger.warning(
                "exectrail: %s cannot be read (%s); ignored", file.name, type(error).__name__
            )
        return {}
