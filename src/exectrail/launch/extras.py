"""The extras of the distribution, and which frameworks have an adapter among them."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, metadata, requires, version
from typing import Final

FRAMEWORKS: Final = {"langgraph": "langgraph"}
"""Extra that brings an adapter -> distribution of the framework it hooks."""


def installed_version(distribution: str) -> str:
    """Version of a distribution; empty if it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def extras() -> dict[str, list[str]]:
    """What is missing of each extra: names of distributions; none where it is installed."""
    from packaging.requirements import Requirement

    missing: dict[str, list[str]] = {
        extra: [] for extra in metadata("exectrail").get_all("Provides-Extra", [])
    }
    for text in requires("exectrail") or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.name == "exectrail":
            continue
        for extra, names in missing.items():
            wanted = requirement.marker.evaluate({"extra": extra})
            if wanted and not requirement.marker.evaluate({"extra": ""}):
                names += [] if installed_version(requirement.name) else [requirement.name]
    return missing
