"""`exectrail doctor`: what is installed, which adapters fit, and whether telemetry arrives."""

from __future__ import annotations

import json
import os
import platform
import sys
from argparse import Namespace, RawDescriptionHelpFormatter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from exectrail.autoload.discovery import Fit, Found, describe
from exectrail.config import Config, load
from exectrail.launch.bootstrap import fitting
from exectrail.launch.destinations import Place, places, trouble
from exectrail.launch.extras import extras, installed_version
from exectrail.spool.destination import public


@dataclass(frozen=True, slots=True)
class Report:
    """What was found. Holds no secret: addresses stand without passwords, headers not at all."""

    version: str
    python: str
    executable: str
    disabled: bool
    adapters: list[Found]
    telemetry: list[tuple[Place, str]]
    """Where each signal goes, and what is wrong with that."""
    settings: dict[str, tuple[str, str]]
    """Each setting's value, and where it comes from."""
    missing: dict[str, list[str]]
    """Each extra, and what is missing of it."""
    advice: list[str]
    """What would be worth doing, but is no problem."""

    @property
    def problems(self) -> list[str]:
        """What keeps exectrail from working as it is set up."""
        found = [
            f"adapter {item.name}: {item.detail}"
            for item in self.adapters
            if item.fit in (Fit.BROKEN, Fit.UNSUPPORTED)
        ]
        return found + [
            f"{item.signal} cannot be sent: {item.url} {why}" for item, why in self.telemetry if why
        ]


def examine(environment: Mapping[str, str]) -> Report:
    """Look at this installation, and send an empty export to each destination.

    Args:
        environment: Variables of the process.
    """
    config = load(environment)
    advice = [
        f"{item.framework} {item.version} is not observed: {item.command}"
        for item in fitting()
        if not item.installed
    ]
    if config.disabled:
        advice.append("exectrail is disabled by EXECTRAIL_DISABLED, OTEL_SDK_DISABLED or its file")
    telemetry = [(place, trouble(place, environment)) for place in places(environment)]
    if any(why.startswith("cannot be reached") for _, why in telemetry):
        advice.append("nothing takes telemetry there; to start the embedded stack: exectrail up")
    return Report(
        version=installed_version("exectrail"),
        python=platform.python_version(),
        executable=sys.executable,
        disabled=config.disabled,
        adapters=describe(config),
        telemetry=telemetry,
        settings=_settings(config, environment),
        missing=extras(),
        advice=advice,
    )


def _settings(config: Config, environment: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    settings: dict[str, tuple[str, str]] = {}
    for item in fields(config):
        value = getattr(config, item.name)
        if environment.get(f"EXECTRAIL_{item.name.upper()}"):
            source = "environment"
        else:
            source = "default" if value == item.default else "file"
        if item.name.endswith("url"):
            value = public(value)
        settings[item.name] = (", ".join(value) if isinstance(value, tuple) else str(value), source)
    return settings


def register(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "doctor",
        help="what is installed, active and reachable",
        description=(
            "Show what is installed, which adapters fit, which settings hold and whether\n"
            "telemetry arrives where it is sent. No secret is printed.\n"
            "Exit code 1 if there is a problem."
        ),
        epilog="examples:\n  exectrail doctor\n  exectrail doctor --json | jq .problems",
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="all of it, for programs")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Print the report."""
    report = examine(os.environ)
    print(json.dumps(as_json(report), indent=2) if arguments.json else as_text(report))
    return 1 if report.problems else 0


def as_json(report: Report) -> dict[str, Any]:
    """The report for programs."""
    return {
        "version": report.version,
        "python": report.python,
        "executable": report.executable,
        "disabled": report.disabled,
        "adapters": [asdict(item) for item in report.adapters],
        "telemetry": [{**asdict(item), "problem": why} for item, why in report.telemetry],
        "settings": {
            name: {"value": value, "from": source}
            for name, (value, source) in report.settings.items()
        },
        "missing": report.missing,
        "advice": report.advice,
        "problems": report.problems,
    }


def as_text(report: Report) -> str:
    """The report for people."""
    lines = [f"exectrail {report.version}, Python {report.python}, {report.executable}"]
    lines += ["", "Adapters"]
    lines += [f"  {item.name:<20} {item.fit:<12} {item.detail}" for item in report.adapters]
    lines += [] if report.adapters else ["  none is installed; see exectrail bootstrap"]
    lines += ["", "Telemetry"]
    for place, why in report.telemetry:
        where = place.url or place.exporter
        lines.append(
            f"  {place.signal:<20} {'problem' if why else 'ok':<12} {where} {why}".rstrip()
        )
    lines += ["", "Settings"]
    for name, (value, source) in report.settings.items():
        lines.append(f"  {name:<20} {source:<12} {value}".rstrip())
    lines += ["", "Extras"]
    for extra, names in report.missing.items():
        state = f"{'incomplete':<12} misses {', '.join(names)}" if names else "installed"
        lines.append(f"  {extra:<20} {state}")
    for title, items in (("Problems", report.problems), ("Advice", report.advice)):
        lines += ["", title, *(f"  {item}" for item in items)] if items else []
    return "\n".join(lines)
