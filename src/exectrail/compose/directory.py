"""Puts the files and an .env into a directory, and overwrites nothing unasked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from exectrail.compose import environment, files

_SOURCE: Final = "EXECTRAIL_SOURCE"
_TAKEN: Final = "COMPOSE_FILE"
"""Which files docker compose takes; its own name."""
_WHEEL: Final = "exectrail-*.whl"
"""What .dockerignore lets in."""
_PRIVATE: Final = 0o600


class DirectoryError(Exception):
    """The directory cannot be used; the message says why."""


class ConflictError(DirectoryError):
    """Files stand there that differ from ours."""

    def __init__(self, directory: Path, names: list[str]) -> None:
        super().__init__(
            f"{directory} has files that differ from those of this version: {', '.join(names)}."
            " Nothing was written. Give another directory, or --force to overwrite them;"
            " .env keeps its lines in any case."
        )
        self.names = names


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of each file, by its path from the directory.

    Attributes:
        directory: The directory, absolute.
        written: Files that were not there.
        overwritten: Files that were there, and differed.
        unchanged: Files that are there as they should be.
        added: Names of the settings that the .env lacked and has now; all of a new one.
    """

    directory: Path
    written: list[str]
    overwritten: list[str]
    unchanged: list[str]
    added: list[str]


def prepare(
    directory: Path, *, force: bool = False, wheel: Path | None = None, cluster: bool = False
) -> Outcome:
    """Make a directory from which docker compose can start the services.

    Args:
        directory: It is made if it is not there.
        force: Overwrite files that differ. An .env is only ever added to.
        wheel: A wheel of exectrail to make the image from; it is copied into the directory.
        cluster: Two shards of two replicas in place of one database. A directory that was made so
            stays so.

    Raises:
        ConflictError: Files differ, and `force` was not given. Nothing was written.
        DirectoryError: It cannot be written.
        MissingFilesError: This installation has not got the files.
    """
    directory = directory.expanduser().absolute()
    try:
        cluster = cluster or _is_cluster(directory)
        wanted = files.contents(cluster=cluster)
        if wheel is not None:
            wanted[wheel.name] = _read_wheel(wheel)
        there = {
            name: (directory / name).read_bytes()
            for name in wanted
            if os.path.lexists(directory / name)
        }
        differing = [name for name, data in there.items() if data != wanted[name]]
        if differing and not force:
            raise ConflictError(directory, differing)
        directory.mkdir(parents=True, exist_ok=True)
        _make_folder(directory, files.DASHBOARDS)
        for name, data in wanted.items():
            if there.get(name) != data:
                _write(directory, name, data)
        added = _complete(directory, wheel, files.template(cluster=cluster))
    except OSError as error:
        raise DirectoryError(
            f"{error.filename or directory} cannot be used ({error.strerror})."
        ) from error
    return Outcome(
        directory,
        written=[name for name in wanted if name not in there],
        overwritten=differing,
        unchanged=[name for name in there if name not in differing],
        added=added,
    )


def _is_cluster(directory: Path) -> bool:
    file = directory / environment.FILE
    text = file.read_text(encoding="utf-8") if os.path.lexists(file) else ""
    return files.CLUSTER_FILE in environment.parse(text).get(_TAKEN, "")


def _read_wheel(wheel: Path) -> bytes:
    if not fnmatch(wheel.name, _WHEEL):
        raise DirectoryError(f"{wheel} is not a wheel of exectrail ({_WHEEL}).")
    return wheel.read_bytes()


def _make_folder(directory: Path, name: str) -> None:
    """Folders of ours are readable by all, whatever the umask: the services are other users."""
    folder = directory
    for part in Path(name).parts:
        folder /= part
        if not folder.is_dir():
            folder.mkdir()
            folder.chmod(0o755)


def _write(directory: Path, name: str, data: bytes) -> None:
    _make_folder(directory, str(Path(name).parent))
    file = directory / name
    file.write_bytes(data)
    file.chmod(0o644)


def _complete(directory: Path, wheel: Path | None, template: str) -> list[str]:
    """Make an .env, or add what it lacks; the user alone can read it. Returns what was added."""
    file = directory / environment.FILE
    if not os.path.lexists(file):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(environment.fill(template, _settings(directory, wheel, "")))
        return list(environment.parse(template))
    text = file.read_text(encoding="utf-8")
    lines = environment.missing(text, template, _settings(directory, wheel, text))
    if lines:
        end = "" if text.endswith("\n") or not text else "\n"
        with file.open("a", encoding="utf-8") as opened:
            opened.write(end + "\n".join(lines.values()) + "\n")
    if file.stat().st_mode & 0o077:
        file.chmod(_PRIVATE)
    return list(lines)


def _settings(directory: Path, wheel: Path | None, text: str) -> Mapping[str, str]:
    """What an image is to be made from, where that is known and not set."""
    if wheel is not None:
        return {_SOURCE: f"./{wheel.name}"}
    if environment.parse(text).get(_SOURCE) or directory.resolve() != files.root().resolve():
        return {}
    return {_SOURCE: "."}
