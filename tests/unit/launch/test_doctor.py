import json
import tomllib
from pathlib import Path

import pytest

from exectrail.launch import doctor, extras, main
from exectrail.launch.bootstrap import Fitting


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Telemetry goes where nobody listens."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:fake-password@127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=fake-token")


def test_a_destination_that_nobody_serves_is_a_problem(capsys: pytest.CaptureFixture[str]):
    assert main(["doctor"]) == 1

    shown = capsys.readouterr().out
    assert "traces cannot be sent: http://127.0.0.1:1/v1/traces cannot be reached" in shown
    assert "exectrail up" in shown
    assert "fake-" not in shown


def test_without_a_problem_doctor_succeeds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for signal in ("TRACES", "LOGS", "METRICS"):
        monkeypatch.setenv(f"OTEL_{signal}_EXPORTER", "none")
    monkeypatch.setenv("EXECTRAIL_ADAPTERS", "none_of_them")

    assert main(["doctor"]) == 0
    assert "Problems" not in capsys.readouterr().out


def test_programs_get_everything_but_secrets_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    Path("exectrail.toml").write_text("lease = 9.0\n")
    monkeypatch.setenv("EXECTRAIL_ERRORS", "type")
    monkeypatch.setenv("EXECTRAIL_CLICKHOUSE_URL", "http://me:fake-password@db:8123")

    assert main(["doctor", "--json"]) == 1

    text = capsys.readouterr().out
    report = json.loads(text)
    assert report["settings"]["lease"] == {"value": "9.0", "from": "file"}
    assert report["settings"]["errors"] == {"value": "type", "from": "environment"}
    assert report["settings"]["error_limit"]["from"] == "default"
    assert report["settings"]["clickhouse_url"]["value"] == "http://db:8123"
    assert len(report["problems"]) >= 3
    assert "fake-" not in text


def test_a_framework_without_its_adapter_is_pointed_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "fitting", lambda: [Fitting("crew", "3.1", "crew", False)])

    advice = doctor.examine({"OTEL_TRACES_EXPORTER": "none"}).advice

    assert 'crew 3.1 is not observed: pip install "exectrail[crew]"' in advice


def test_bootstrap_prints_the_commands_for_what_is_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(
        extras, "FRAMEWORKS", extras.FRAMEWORKS | {"packs": "packaging", "absent": "no-such"}
    )
    monkeypatch.setattr("exectrail.launch.bootstrap.FRAMEWORKS", extras.FRAMEWORKS)

    assert main(["bootstrap"]) == 0

    shown = capsys.readouterr().out.splitlines()
    assert 'pip install "exectrail[packs]"' in shown
    assert not any("absent" in line for line in shown)
    assert any(line.startswith("# langgraph ") for line in shown)


def test_every_adapter_extra_has_its_framework():
    project = Path(__file__).parents[3] / "pyproject.toml"
    optional = tomllib.loads(project.read_text())["project"]["optional-dependencies"]
    of_adapters = {
        extra
        for extra, requirements in optional.items()
        if any(line.startswith("exectrail-") for line in requirements)
    }

    assert of_adapters == set(extras.FRAMEWORKS)
