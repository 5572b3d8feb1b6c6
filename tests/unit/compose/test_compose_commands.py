"""`exectrail stack` on the command line, with a program in place of docker."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from exectrail.compose import environment, files
from exectrail.compose.directory import prepare
from exectrail.launch import main

Capture = pytest.CaptureFixture[str]
DOCKER = """\
#!/bin/sh
case "$*" in
    "compose version") exit {version} ;;
esac
echo "$PWD: $*" >> "{calls}"
echo "docker speaks"
exit {code}
"""


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch):
    for name in environment.parse(files.template()):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    return prepare(tmp_path / "stack").directory


class Docker:
    """Stands on the PATH in place of docker, and writes down how it was called."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._calls = place / "calls"

    def install(self, *, code: int = 0, version: int = 0) -> None:
        program = self._place / "docker"
        program.write_text(DOCKER.format(calls=self._calls, code=code, version=version))
        program.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        return self._calls.read_text().splitlines() if self._calls.exists() else []


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    place = tmp_path / "bin"
    place.mkdir()
    monkeypatch.setenv("PATH", f"{place}:/usr/bin:/bin")
    found = Docker(place)
    found.install()
    return found


@pytest.fixture
def answering() -> Iterator[int]:
    """A port on which everything is well."""

    class Healthy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_said: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Healthy)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def set_ports(directory: Path, port: int) -> None:
    names = ("COLLECTOR_HEALTH", "CLICKHOUSE_HTTP", "GRAFANA")
    with (directory / ".env").open("a") as env:
        env.writelines(f"EXECTRAIL_{name}_PORT={port}\n" for name in names)


def test_init_tells_programs_what_became_of_each_file_and_no_secret(
    tmp_path: Path, capsys: Capture
):
    assert main(["stack", "init", str(tmp_path / "stack"), "--json"]) == 0

    shown = capsys.readouterr().out
    told = json.loads(shown)
    assert told["directory"] == str(tmp_path / "stack")
    assert "docker-compose.yml" in told["written"]
    assert "EXECTRAIL_CLICKHOUSE_PASSWORD" in told["added"]
    settings = environment.parse((tmp_path / "stack" / ".env").read_text())
    assert not [v for n, v in settings.items() if n.endswith("_PASSWORD") and v in shown]


def test_init_over_other_files_fails_and_says_how_to_go_on(stack: Path, capsys: Capture):
    (stack / "Dockerfile").write_text("mine\n")

    assert main(["stack", "init", str(stack)]) == 1
    assert capsys.readouterr().err == (
        f"exectrail stack init: {stack} has files that differ from those of this version:"
        " Dockerfile. Nothing was written. Give another directory, or --force to overwrite them;"
        " .env keeps its lines in any case.\n"
    )
    assert main(["stack", "init", str(stack), "--force"]) == 0
    assert "  overwritten Dockerfile\n" in capsys.readouterr().out


def test_up_calls_docker_compose_in_the_directory_and_waits_for_the_services(
    stack: Path, docker: Docker, answering: int, capfd: pytest.CaptureFixture[str]
):
    set_ports(stack, answering)

    assert main(["stack", "up", "--path", str(stack), "--wait", "10"]) == 0

    assert docker.calls == [f"{stack}: compose up --detach --remove-orphans"]
    shown = capfd.readouterr().out
    assert shown.startswith("docker speaks\nReady. OTLP/HTTP http://127.0.0.1:4318,")
    assert f"Grafana http://127.0.0.1:{answering}" in shown


def test_up_for_programs_prints_addresses_alone(
    stack: Path, docker: Docker, answering: int, capfd: pytest.CaptureFixture[str]
):
    set_ports(stack, answering)

    assert main(["stack", "up", "--path", str(stack), "--build", "--json"]) == 0

    assert docker.calls == [f"{stack}: compose up --detach --remove-orphans --build"]
    told = json.loads(capfd.readouterr().out)
    assert told["otlp_http"] == "http://127.0.0.1:4318"
    assert told["silent"] == []


def test_up_names_the_services_that_do_not_answer(stack: Path, docker: Docker, capsys: Capture):
    set_ports(stack, 1)

    assert main(["stack", "up", "--path", str(stack), "--wait", "0.1"]) == 1

    assert "no answer within 0.1 s from: clickhouse, collector, grafana." in (
        capsys.readouterr().err
    )


def test_up_ends_as_docker_compose_ends(stack: Path, docker: Docker, capsys: Capture):
    docker.install(code=17)

    assert main(["stack", "up", "--path", str(stack)]) == 17
    assert "See: exectrail stack logs --path" in capsys.readouterr().err


def test_down_and_logs_pass_on_what_they_are_told(
    stack: Path, docker: Docker, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(stack)

    assert main(["stack", "logs", "--follow", "--tail", "5", "judge", "grafana"]) == 0
    assert main(["stack", "down"]) == 0

    assert docker.calls == [
        f"{stack}: compose logs --follow --tail 5 judge grafana",
        f"{stack}: compose down",
    ]


@pytest.mark.parametrize("action", ["up", "down", "logs"])
def test_a_directory_that_was_not_prepared_is_said_to_be_so(
    action: str, tmp_path: Path, docker: Docker, capsys: Capture
):
    assert main(["stack", action, "--path", str(tmp_path)]) == 1
    assert f"exectrail stack init {tmp_path}" in capsys.readouterr().err
    assert docker.calls == []


def test_where_there_is_no_docker_it_says_what_to_do(
    stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
):
    monkeypatch.setenv("PATH", str(tmp_path))

    assert main(["stack", "up", "--path", str(stack)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("exectrail stack up: There is no docker on the PATH. Install Docker")
    assert said.endswith("exectrail up\n")


def test_where_docker_has_no_compose_it_says_what_to_do(
    stack: Path, docker: Docker, capsys: Capture
):
    docker.install(version=1)

    assert main(["stack", "down", "--path", str(stack)]) == 1
    assert "has no compose plugin. Install it" in capsys.readouterr().err
    assert docker.calls == []


@pytest.mark.parametrize("seconds", ["-3", "-0.1", "nan", "soon"])
def test_a_wait_that_is_none_is_a_wrong_call(
    seconds: str, docker: Docker, stack: Path, capsys: Capture
):
    with pytest.raises(SystemExit) as ended:
        main(["stack", "up", "--path", str(stack), "--wait", seconds])

    assert (ended.value.code, docker.calls) == (2, [])
    assert "is no time to wait" in capsys.readouterr().err
