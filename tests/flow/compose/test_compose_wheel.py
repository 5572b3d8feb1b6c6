"""The wheel holds the files for docker compose, and prepares a directory alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from exectrail.compose import environment, files

from .services import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = place.glob("*.whl")
    return built


def test_the_wheel_carries_the_files_that_a_directory_gets(wheel: Path):
    prefix = "exectrail/compose/files/"
    with zipfile.ZipFile(wheel) as archive:
        carried = {
            name.removeprefix(prefix): archive.read(name)
            for name in archive.namelist()
            if name.startswith(prefix)
        }

    templates = (files.TEMPLATE, files.CLUSTER_TEMPLATE)
    assert carried == {
        **files.contents(cluster=True),
        **{name: (ROOT / name).read_bytes() for name in templates},
    }


def test_the_wheel_alone_prepares_a_directory(wheel: Path, tmp_path: Path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")

    done = subprocess.run(
        [sys.executable, "-m", "exectrail", "stack", "init", "stack", "--wheel", str(wheel)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    made = tmp_path / "stack"
    assert {name: (made / name).read_bytes() for name in files.contents()} == files.contents()
    assert (made / wheel.name).read_bytes() == wheel.read_bytes()
    settings = environment.parse((made / ".env").read_text())
    assert settings["EXECTRAIL_SOURCE"] == f"./{wheel.name}"
    secrets = [value for name, value in settings.items() if name.endswith("_PASSWORD")]
    assert len(secrets) == len(set(secrets)) == 4
    assert all(re.fullmatch(r"[0-9a-f]{48}", secret) for secret in secrets)
