"""Whether the framework that an adapter hooks is installed, in a version the adapter knows."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version


class MissingError(Exception):
    """The framework is not installed; its argument says what is missing."""


class UnsupportedError(Exception):
    """The framework is installed in a version that the adapter does not know."""


def check(requirements: Iterable[str]) -> dict[str, str]:
    """Compare requirements with what is installed, without importing any of it.

    Args:
        requirements: PEP 508, for example `langgraph>=1.2,<2`.

    Returns:
        The version found of each distribution.

    Raises:
        MissingError: One of them is not installed.
        UnsupportedError: One of them is installed in a version outside its bounds.
    """
    from packaging.requirements import Requirement  # 20 ms, and only frameworks' users need it

    found: dict[str, str] = {}
    for text in requirements:
        requirement = Requirement(text)
        try:
            found[requirement.name] = version(requirement.name)
        except PackageNotFoundError as error:
            raise MissingError(text) from error
        if not requirement.specifier.contains(found[requirement.name], prereleases=True):
            raise UnsupportedError(f"{requirement.name} {found[requirement.name]} is not in {text}")
    return found
