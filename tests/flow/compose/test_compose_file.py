"""The compose file and what it mounts, against what can be had of their readers: the schema of the
compose specification, and the collector's own check."""

from __future__ import annotations

import json
import os
import re
import subprocess
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
import yaml

from exectrail.compose import environment, files
from exectrail.compose.directory import prepare
from exectrail.storage.runner import load_migrations

from .services import COLLECTOR, COMPOSE, PROJECT, ROOT, SERVICES, VARIABLE, users


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    return prepare(tmp_path / "stack").directory


def test_the_compose_file_is_valid_by_the_specification():
    vendored = resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    schema = json.loads((vendored / "compose-spec.json").read_text())

    read_by = jsonschema.validators.validator_for(schema)
    assert [error.message for error in read_by(schema).iter_errors(COMPOSE)] == []


def test_the_services_are_those_of_the_design():
    assert list(SERVICES) == ["clickhouse", "migrate", "collector", "judge", "grafana"]


def test_every_variable_is_in_the_env_and_every_setting_is_used(prepared: Path):
    text = (prepared / files.COMPOSE_FILE).read_text()
    used = {match[1] for match in VARIABLE.finditer(text)}

    assert used == set(environment.parse((prepared / ".env").read_text()))
    assert text.count("${") == len(VARIABLE.findall(text))


def test_images_have_versions_and_ours_has_this_one():
    version = PROJECT["project"]["version"]
    images = {name: service["image"] for name, service in SERVICES.items()}

    assert images["migrate"] == images["judge"] == f"exectrail:{version}"
    assert SERVICES["judge"]["build"]["args"]["EXECTRAIL_SOURCE"] == (
        f"${{EXECTRAIL_SOURCE:-exectrail=={version}}}"
    )
    for image in images.values():
        assert re.fullmatch(r"[\w./-]+:\d+(\.\d+){2,3}", image), image
    based_on = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert [re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", based_on[0]), *based_on[1:]][1:] == [
        "base",
        "base",
    ]


def test_the_image_installs_what_exectrail_and_its_commands_depend_on():
    project = PROJECT["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["cli"]]
    lines = (ROOT / "requirements" / "image.txt").read_text().splitlines()
    locked = {line.split("==")[0] for line in lines if "==" in line}

    assert {re.split(r"[<>=; ]", requirement)[0] for requirement in needed} <= locked


def test_the_collectors_image_is_of_the_version_that_the_tests_run():
    builder = yaml.safe_load((ROOT / "collector" / "builder.yaml").read_text())

    assert SERVICES["collector"]["image"].endswith(f":{builder['dist']['version']}")


def test_ports_listen_where_the_env_says_and_that_is_loopback(prepared: Path):
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]

    assert len(ports) == 6
    assert {port.split(":$")[0].split(":1")[0] for port in ports} == {
        "${EXECTRAIL_BIND:?}",
        "127.0.0.1",
    }
    assert environment.parse((prepared / ".env").read_text())["EXECTRAIL_BIND"] == "127.0.0.1"


def test_services_start_after_what_they_need_and_are_bounded():
    after = {name: service.get("depends_on", {}) for name, service in SERVICES.items()}
    healthy, done = (
        {"condition": "service_healthy"},
        {"condition": "service_completed_successfully"},
    )

    assert after.pop("clickhouse") == {}
    assert after.pop("migrate") == {"clickhouse": healthy}
    for needs in after.values():
        assert needs == {"clickhouse": healthy, "migrate": done}
    for name, service in SERVICES.items():
        assert service["deploy"]["resources"]["limits"]["memory"], name
        assert service["logging"]["options"]["max-size"], name
        assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")


def test_a_service_gets_the_passwords_that_it_needs_and_no_other():
    given = {
        name: {
            match[1]
            for value in service.get("environment", {}).values()
            for match in VARIABLE.finditer(value)
            if match[1].endswith("_PASSWORD")
        }
        for name, service in SERVICES.items()
    }
    tables, writing, reading = (
        f"EXECTRAIL_{who}_PASSWORD" for who in ("CLICKHOUSE", "COLLECTOR", "GRAFANA")
    )

    assert given == {
        "clickhouse": {tables, writing, reading},
        "migrate": {tables},
        "judge": {tables},
        "collector": {writing},
        "grafana": {reading, "EXECTRAIL_GRAFANA_ADMIN_PASSWORD"},
    }
    assert not any("env_file" in service for service in SERVICES.values())


def test_what_is_mounted_is_there_and_every_volume_is_used(prepared: Path):
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", ())]
    settings = environment.parse((prepared / ".env").read_text())
    filled = (VARIABLE.sub(lambda found: settings[found[1]], mount) for mount in mounts)
    sources = {mount.split(":")[0] for mount in filled}

    assert {source for source in sources if not source.startswith("./")} == set(COMPOSE["volumes"])
    assert [s for s in sources if s.startswith("./") and not (prepared / s).exists()] == []


def test_files_that_are_mounted_are_readable_for_other_users(tmp_path: Path):
    before = os.umask(0o077)
    try:
        directory = prepare(tmp_path / "stack").directory
    finally:
        os.umask(before)

    for path in directory.rglob("*"):
        wanted = 0o600 if path.name == ".env" else 0o755 if path.is_dir() else 0o644
        assert path.stat().st_mode & 0o777 == wanted, path


def test_grafanas_data_source_names_a_user_a_password_and_tables_that_exist():
    file = yaml.safe_load((ROOT / "compose/grafana/datasources/exectrail.yaml").read_text())
    (source,) = file["datasources"]
    data = source["jsonData"]
    grafana = SERVICES["grafana"]
    tables = {migration.name for migration in load_migrations()}

    assert (source["uid"], source["type"]) == ("exectrail", "grafana-clickhouse-datasource")
    assert grafana["environment"]["GF_PLUGINS_PREINSTALL_SYNC"].startswith(f"{source['type']}@")
    assert data["host"] in SERVICES
    assert data["username"] in users()
    assert source["secureJsonData"]["password"].removeprefix("$") in grafana["environment"]
    for part in ("logs", "traces"):
        assert data[part]["otelEnabled"] is True
        assert data[part]["defaultTable"] in tables


def test_grafanas_dashboards_come_from_the_mounted_folder():
    file = yaml.safe_load((ROOT / "compose/grafana/dashboards/exectrail.yaml").read_text())
    (provider,) = file["providers"]

    assert (
        f"./{files.DASHBOARDS}:{provider['options']['path']}:ro" in SERVICES["grafana"]["volumes"]
    )


def test_grafanas_alert_rules_ask_its_data_source_and_every_file_of_the_folder_is_read(
    prepared: Path,
):
    settings = environment.parse((prepared / ".env").read_text())
    folder = prepared / settings["EXECTRAIL_ALERTING"]
    mount = "${EXECTRAIL_ALERTING:?}:/etc/grafana/provisioning/alerting:ro"
    source = yaml.safe_load((ROOT / "compose/grafana/datasources/exectrail.yaml").read_text())
    dashboards = yaml.safe_load((ROOT / "compose/grafana/dashboards/exectrail.yaml").read_text())

    assert mount in SERVICES["grafana"]["volumes"]
    # Grafana refuses to start over a file of another suffix.
    assert {file.suffix for file in folder.iterdir()} == {".yaml"}
    read = [yaml.safe_load(file.read_text()) for file in folder.iterdir()]
    assert {key for file in read for key in file} == {"apiVersion", "groups"}
    groups = [group for file in read for group in file["groups"]]
    asked = {query["datasourceUid"] for g in groups for r in g["rules"] for query in r["data"]}
    assert asked == {source["datasources"][0]["uid"], "__expr__"}
    assert {group["folder"] for group in groups} == {dashboards["providers"][0]["folder"]}


def test_every_user_has_a_password_from_the_environment_of_the_database():
    passwords = {name: user.find("password") for name, user in users().items()}

    assert set(passwords) == {"exectrail", "collector", "grafana"}
    for password in passwords.values():
        assert password is not None
        assert password.text is None
        assert password.get("from_env") in SERVICES["clickhouse"]["environment"]


def test_the_collector_takes_its_configuration_with_the_services_environment(prepared: Path):
    if not COLLECTOR.exists():
        pytest.skip("the collector is not built here: make collector")
    given = environment.parse((prepared / ".env").read_text())
    service = SERVICES["collector"]
    variables = {
        name: VARIABLE.sub(lambda match: given[match[1]], value)
        for name, value in service["environment"].items()
    }
    (mounted,) = (v.split(":")[:2] for v in service["volumes"] if v.startswith("./"))
    words = [word.replace(mounted[1], str(prepared / mounted[0])) for word in service["command"]]
    variables["EXECTRAIL_COLLECTOR_QUEUE"] = str(prepared / "queue")

    done = subprocess.run(
        [str(COLLECTOR), "validate", *words],
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
