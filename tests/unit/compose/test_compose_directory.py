"""What `exectrail stack init` writes, and what it leaves alone."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from exectrail.compose import environment, files
from exectrail.compose.directory import ConflictError, DirectoryError, prepare

ALL = list(files.contents())


def tree(directory: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(directory)): file.read_bytes()
        for file in directory.rglob("*")
        if file.is_file()
    }


def test_a_new_directory_gets_the_files_and_an_env(tmp_path: Path):
    outcome = prepare(tmp_path / "deep" / "stack")

    made = tree(tmp_path / "deep" / "stack")
    settings = environment.parse(made.pop(".env").decode())
    assert made == files.contents()
    assert (outcome.written, outcome.overwritten, outcome.unchanged) == (ALL, [], [])
    assert outcome.added == list(settings)
    assert (tmp_path / "deep" / "stack" / files.DASHBOARDS).is_dir()


def test_a_second_time_changes_nothing(tmp_path: Path):
    prepare(tmp_path)
    before = tree(tmp_path)

    outcome = prepare(tmp_path)

    assert tree(tmp_path) == before
    assert (outcome.written, outcome.overwritten, outcome.added) == ([], [], [])
    assert outcome.unchanged == ALL


def test_files_that_differ_are_named_and_then_nothing_is_written(tmp_path: Path):
    (tmp_path / "collector").mkdir()
    (tmp_path / "collector" / "config.yaml").write_text("mine\n")

    with pytest.raises(ConflictError) as raised:
        prepare(tmp_path)

    assert raised.value.names == ["collector/config.yaml"]
    assert "collector/config.yaml" in str(raised.value)
    assert tree(tmp_path) == {"collector/config.yaml": b"mine\n"}


def test_force_overwrites_what_differs_and_keeps_the_env(tmp_path: Path):
    prepare(tmp_path)
    kept = (tmp_path / ".env").read_text().replace("4318", "24318") + "MINE=1\n"
    (tmp_path / ".env").write_text(kept)
    (tmp_path / "Dockerfile").write_text("mine\n")

    outcome = prepare(tmp_path, force=True)

    assert outcome.overwritten == ["Dockerfile"]
    assert tree(tmp_path) == {**files.contents(), ".env": kept.encode()}


def test_an_env_gets_what_it_lacks_behind_what_it_has(tmp_path: Path):
    prepare(tmp_path)
    lines = (tmp_path / ".env").read_text().splitlines()
    older = "\n".join(
        "EXECTRAIL_GRAFANA_PASSWORD=" if line.startswith("EXECTRAIL_GRAFANA_PASSWORD") else line
        for line in lines
        if not line.startswith("EXECTRAIL_GRAFANA_PORT")
    )
    (tmp_path / ".env").write_text(older)
    (tmp_path / ".env").chmod(0o644)

    outcome = prepare(tmp_path)

    text = (tmp_path / ".env").read_text()
    settings = environment.parse(text)
    assert text.startswith(older + "\n")
    assert outcome.added == ["EXECTRAIL_GRAFANA_PORT", "EXECTRAIL_GRAFANA_PASSWORD"]
    assert settings["EXECTRAIL_GRAFANA_PORT"] == "3000"
    assert len(settings["EXECTRAIL_GRAFANA_PASSWORD"]) == 48
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600


def test_a_wheel_is_copied_and_named_in_an_env_that_named_another(tmp_path: Path):
    wheel = tmp_path / "exectrail-9.9.9-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    directory = tmp_path / "stack"
    prepare(directory)

    outcome = prepare(directory, wheel=wheel)

    assert outcome.written == [wheel.name]
    assert outcome.added == ["EXECTRAIL_SOURCE"]
    settings = environment.parse((directory / ".env").read_text())
    assert settings["EXECTRAIL_SOURCE"] == f"./{wheel.name}"
    assert prepare(directory).added == []


def test_a_wheel_of_something_else_is_refused(tmp_path: Path):
    with pytest.raises(DirectoryError, match="not a wheel of exectrail"):
        prepare(tmp_path / "stack", wheel=tmp_path / "other-1-py3-none-any.whl")
    assert list(tmp_path.iterdir()) == []


def test_a_checkout_makes_its_image_from_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, data in {**files.contents(), files.TEMPLATE: files.template().encode()}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    monkeypatch.setattr(files, "_CARRIED", tmp_path)

    outcome = prepare(tmp_path)

    assert (outcome.written, outcome.unchanged) == ([], ALL)
    assert environment.parse((tmp_path / ".env").read_text())["EXECTRAIL_SOURCE"] == "."


def test_dashboards_that_are_there_come_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    source = tmp_path / "source"
    for name, data in {**files.contents(), files.TEMPLATE: files.template().encode()}.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(data)
    (source / files.DASHBOARDS / "cost").mkdir(parents=True)
    (source / files.DASHBOARDS / "cost" / "daily.json").write_text("{}")
    monkeypatch.setattr(files, "_CARRIED", source)

    prepare(tmp_path / "stack")

    assert (tmp_path / "stack" / files.DASHBOARDS / "cost" / "daily.json").read_text() == "{}"


def test_a_directory_that_cannot_be_made_is_an_error_in_words(tmp_path: Path):
    (tmp_path / "file").write_text("")

    with pytest.raises(DirectoryError, match="cannot be used"):
        prepare(tmp_path / "file" / "stack")


def test_an_env_is_read_as_docker_compose_reads_it():
    text = "# A=0\n\nA=1\nexport B = 2\nC='three'\nA=\"4\"\nexport D=5\nE=\n"

    assert environment.parse(text) == {"A": "4", "C": "three", "D": "5", "E": ""}


def test_a_new_env_keeps_the_comments_and_draws_every_password_anew():
    template = "# why\nPORT=1\n\nONE_PASSWORD=\nTWO_PASSWORD=\n"
    drawn = (f"drawn-{number}" for number in itertools.count(1))

    assert environment.fill(template, {"PORT": "7"}, lambda: next(drawn)) == (
        "# why\nPORT=7\n\nONE_PASSWORD=drawn-1\nTWO_PASSWORD=drawn-2\n"
    )
    assert environment.random_password() != environment.random_password()
