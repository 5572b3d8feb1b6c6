"""The files that the services need, and where they are: in the wheel, or in a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Final

COMPOSE_FILE: Final = "docker-compose.yml"
TEMPLATE: Final = "compose/stack.env"
"""What an .env is made from; it stands in no directory itself."""
CLUSTER_FILE: Final = "docker-compose.cluster.yml"
"""Laid over the compose file, makes a cluster of the one database."""
CLUSTER_TEMPLATE: Final = "compose/cluster.env"
"""What the .env of a cluster has besides."""
DASHBOARDS: Final = "dashboards/generated"
"""Mounted into Grafana; the folder must be there, and may be empty."""

FILES: Final = (
    COMPOSE_FILE,
    "Dockerfile",
    ".dockerignore",
    "requirements/image.txt",
    "collector/config.yaml",
    "collector/adopted.yaml",
    "collector/agent.yaml",
    "collector/existing.yaml",
    "collector/tls.yaml",
    "collector/token.yaml",
    "compose/clickhouse/config.xml",
    "compose/clickhouse/users.xml",
    "compose/grafana/datasources/exectrail.yaml",
    "compose/grafana/dashboards/exectrail.yaml",
    "compose/grafana/alerting/exectrail.yaml",
    "compose/grafana/examples/contact_point.yaml",
)
"""Paths from the root of the repository, which are those in a directory too. The wheel carries the
same by `force-include` in pyproject.toml."""

CLUSTER_FILES: Final = (
    CLUSTER_FILE,
    "compose/clickhouse/cluster.xml",
    "compose/clickhouse/cluster_users.xml",
    "compose/clickhouse/keeper.xml",
)
"""What a cluster has besides; likewise."""

_CARRIED: Final = Path(__file__).with_name("files")
_CHECKOUT: Final = Path(__file__).parents[3]


class MissingFilesError(Exception):
    """This installation has not got the files."""


def root() -> Path:
    """Where the files are, laid out as in the repository.

    Raises:
        MissingFilesError: Neither the package nor a checkout around it has them.
    """
    for place in (_CARRIED, _CHECKOUT):
        if (place / COMPOSE_FILE).is_file():
            return place
    raise MissingFilesError(
        "This installation of exectrail has not got the files for docker compose;"
        " install it from its wheel."
    )


def contents(*, cluster: bool = False) -> dict[str, bytes]:
    """What is to stand in a directory: path and bytes of each file.

    Args:
        cluster: With the files of a cluster.

    Raises:
        MissingFilesError: As `root`.
    """
    place = root()
    generated = sorted(file for file in (place / DASHBOARDS).rglob("*") if file.is_file())
    fixed = [*FILES, *(CLUSTER_FILES if cluster else ())]
    names = [*fixed, *(file.relative_to(place).as_posix() for file in generated)]
    return {name: (place / name).read_bytes() for name in names}


def template(*, cluster: bool = False) -> str:
    """The text that an .env is made from.

    Args:
        cluster: With the settings of a cluster.

    Raises:
        MissingFilesError: As `root`.
    """
    names = [TEMPLATE, *([CLUSTER_TEMPLATE] if cluster else [])]
    return "\n".join((root() / name).read_text(encoding="utf-8") for name in names)
