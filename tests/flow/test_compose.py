"""The files for docker compose, against what can be had of their readers: the schema of the compose
specification, the database's engine, the collector's own check, and a wheel that holds them."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import yaml

from exectrail.compose import environment, files
from exectrail.compose.directory import prepare
from exectrail.storage.runner import load_migrations, plan

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
COMPOSE = yaml.safe_load((ROOT / files.COMPOSE_FILE).read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
COLLECTOR = ROOT / ".tools" / "collector" / "otelcol-exectrail"
VARIABLE = re.compile(r"\$\{([A-Z_]+)(:[?-][^}]*)?\}")


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    return prepare(tmp_path / "stack").directory


# The compose file.


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


# Grafana.


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


# ClickHouse.


def users() -> dict[str, ElementTree.Element]:
    found = ElementTree.parse(ROOT / "compose/clickhouse/users.xml").find("users")
    assert found is not None
    return {user.tag: user for user in found if user.get("remove") is None}


def test_every_user_has_a_password_from_the_environment_of_the_database():
    passwords = {name: user.find("password") for name, user in users().items()}

    assert set(passwords) == {"exectrail", "collector", "grafana"}
    for password in passwords.values():
        assert password is not None
        assert password.text is None
        assert password.get("from_env") in SERVICES["clickhouse"]["environment"]


# But for the log of queries, which is written down sooner here.
STOCK_CONFIG = """\
<clickhouse>
    <users_config>{place}/users.xml</users_config>
    <mysql_port>9004</mysql_port>
    <query_log>
        <partition_by>toYYYYMM(event_date)</partition_by>
        <flush_interval_milliseconds>200</flush_interval_milliseconds>
    </query_log>
    <trace_log><table>trace_log</table></trace_log>
</clickhouse>
"""
STOCK_USERS = """\
<clickhouse>
    <profiles><default/></profiles>
    <quotas><default/></quotas>
    <users>
        <default>
            <password></password>
            <networks><ip>::/0</ip></networks>
            <profile>default</profile>
            <quota>default</quota>
        </default>
    </users>
</clickhouse>
"""


def run_as(user: str, place: Path, statements: list[str]) -> list[str]:
    """Run statements in the engine with the rights, the profile and the quota of a user.

    Our files lie over some of the image's, as in the container. The engine knows one login, so a
    last file gives that one what the user has; a view's definer stays the user himself.
    """
    login = copy.deepcopy(users()[user])
    login.tag = "default"
    for password in login.findall("password"):
        password.attrib.clear()
    grants = login.find("grants")
    assert grants is not None
    ElementTree.SubElement(grants, "query").text = f"GRANT SET DEFINER ON {user}"
    over = ElementTree.fromstring("<clickhouse><users/></clickhouse>")
    over[0].append(login)
    statements = [s.replace("CURRENT_USER", user) for s in statements]
    for folder in ("config.d", "users.d"):
        (place / folder).mkdir(parents=True, exist_ok=True)
    (place / "config.xml").write_text(STOCK_CONFIG.format(place=place))
    (place / "users.xml").write_text(STOCK_USERS)
    config = (ROOT / "compose/clickhouse/config.xml").read_text()
    (place / "config.d/exectrail.xml").write_text(config.replace("/var/lib/clickhouse", str(place)))
    shutil.copy(ROOT / "compose/clickhouse/users.xml", place / "users.d/exectrail.xml")
    (place / "users.d/login.xml").write_text(ElementTree.tostring(over, encoding="unicode"))
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / "tests/flow/programs/clickhouse_user.py"),
            str(place / "config.xml"),
            str(place / "data"),
        ],
        input=json.dumps(statements),
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "EXECTRAIL_CLICKHOUSE_PASSWORD": "one",
            "EXECTRAIL_COLLECTOR_PASSWORD": "two",
            "EXECTRAIL_GRAFANA_PASSWORD": "three",
        },
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that the user of the migrations made, with what that user may do."""
    place = tmp_path_factory.mktemp("clickhouse")
    statements = list(plan(load_migrations(), database="exectrail"))

    answers = run_as("exectrail", place, statements)

    assert [a for a in answers if a.startswith("Code: ")] == []
    return place


def test_the_judges_user_reads_and_writes(migrated: Path):
    assert run_as(
        "exectrail",
        migrated,
        [
            "USE exectrail",
            "SELECT count() FROM judged",
            "INSERT INTO judge_settings (name, value) VALUES ('stuck_after_s', 60)",
            "SELECT stuck_after_s FROM judge_rules",
        ],
    ) == ["", "0", "", "60"]


def test_the_database_is_backed_up_and_brought_back(migrated: Path):
    answers = run_as(
        "exectrail",
        migrated,
        [
            "INSERT INTO exectrail.judge_settings (name, value) VALUES ('kept', 1)",
            "BACKUP DATABASE exectrail TO Disk('backups', 'night')",
            "TRUNCATE TABLE exectrail.judge_settings",
            "SELECT count() FROM exectrail.judge_settings",
            "DROP DATABASE exectrail SYNC",
            "RESTORE DATABASE exectrail FROM Disk('backups', 'night')",
            "SELECT value FROM exectrail.judge_settings FINAL WHERE name = 'kept'",
        ],
    )

    assert [answer.split("\t")[-1] for answer in answers] == [
        *("", "BACKUP_CREATED", "", "0", "", "RESTORED", "1"),
    ]
    assert list(migrated.rglob("night"))


INSERTS = {
    "otel_traces": "(Timestamp, TraceId, SpanId) VALUES (now64(9), 'a', 'b')",
    "otel_logs": "(Timestamp, Body) VALUES (now64(9), 'said')",
    "otel_metrics_gauge": "(MetricName, TimeUnix, Value)"
    " VALUES ('exectrail.pipeline.canary', now64(9), 1)",
    "otel_metrics_sum": "(MetricName) VALUES ('m')",
    "otel_metrics_summary": "(MetricName) VALUES ('m')",
    "otel_metrics_histogram": "(MetricName) VALUES ('m')",
    "otel_metrics_exp_histogram": "(MetricName) VALUES ('m')",
}


def test_the_collectors_user_inserts_and_what_it_inserts_reaches_the_typed_tables(migrated: Path):
    assert set(INSERTS) == {m.name for m in load_migrations() if m.name.startswith("otel_")}

    asked = [f"DESCRIBE TABLE exectrail.{table}" for table in INSERTS]
    sent = [f"INSERT INTO exectrail.{table} {values}" for table, values in INSERTS.items()]
    answers = run_as("collector", migrated, [*asked, *sent])

    assert [a for a in answers if a.startswith("Code: ")] == []
    assert answers[len(asked) :] == [""] * len(sent)
    stored = run_as("exectrail", migrated, ["SELECT count() > 0 FROM exectrail.canary"])
    assert stored == ["1"] or stored == ["true"]


def denied(answer: str) -> bool:
    return answer.startswith("Code: 497.")


def test_the_collectors_user_can_do_nothing_else(migrated: Path):
    answers = run_as(
        "collector",
        migrated,
        [
            "SELECT count() FROM exectrail.otel_logs",
            "SELECT Body FROM exectrail.otel_logs",
            "SELECT count() FROM exectrail.executions",
            "INSERT INTO exectrail.verdicts (reason) VALUES ('x')",
            "ALTER TABLE exectrail.otel_logs DELETE WHERE 1",
            "TRUNCATE TABLE exectrail.otel_logs",
            "DROP TABLE exectrail.otel_logs",
            "CREATE DATABASE other",
            "CREATE TABLE exectrail.t (a Int8) ENGINE = Memory",
            "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
            "SELECT * FROM file('/etc/passwd', 'LineAsString')",
            "CREATE USER somebody",
        ],
    )

    assert [a for a in answers if not denied(a)] == []


def test_grafanas_user_reads_everything_of_ours(migrated: Path):
    views = [m.name for m in load_migrations() if not m.name.endswith(("_of", "_from_events"))]
    asked = [f"SELECT count() FROM {name}" for name in views if "_from_" not in name]
    answers = run_as(
        "grafana",
        migrated,
        [
            "USE exectrail",
            *asked,
            "SELECT count() FROM executions_of(since = '2020-01-01 00:00:00', root = '')",
            # what the dashboard Health asks of the server itself
            "SELECT count() FROM system.user_query_log",
            "SELECT count() > 40 FROM system.tables WHERE database = 'exectrail' AND engine LIKE"
            " '%MergeTree' AND total_bytes >= 0 AND active_parts >= 0",
            "SELECT groupArray(name) FROM system.databases",
            "SELECT count() > 0 FROM system.columns WHERE table = 'executions'",
            "SET max_execution_time = 30",
            "SELECT 1 SETTINGS limit = 0",
        ],
    )

    assert [a for a in answers if a.startswith("Code: ")] == []
    assert answers[-5:] == ["1", "['exectrail']", "1", "", "1"]


def test_grafanas_user_sees_which_of_its_questions_were_slow(migrated: Path):
    text = (ROOT / "src/exectrail/queries/panel_health_slow.sql").read_text()
    for name, moment in (("from", "now64(3) - INTERVAL 1 HOUR"), ("to", "now64(3)")):
        text = text.replace(f"{{{name}:DateTime64(3, 'UTC')}}", f"({moment})")
    # While the second one is answered, the first one is written down.
    asked = ["SELECT sleep(2), count() FROM exectrail.runs", "SELECT sleep(1)"]

    *_, told = run_as(
        "grafana",
        migrated,
        [*asked, f"SELECT times, max_ms >= 2000, failures, slowest FROM ({text})"],
    )

    assert told.splitlines()[0] == "1\t1\t0\tSELECT sleep(2), count() FROM exectrail.runs"


def test_grafanas_user_can_neither_write_nor_lift_its_limits(migrated: Path):
    writes = [
        "INSERT INTO exectrail.otel_logs (Body) VALUES ('x')",
        "ALTER TABLE exectrail.otel_logs DELETE WHERE 1",
        "DROP TABLE exectrail.otel_logs",
        "CREATE TABLE exectrail.t (a Int8) ENGINE = Memory",
        "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM remote('127.0.0.1', exectrail.otel_logs)",
        "SELECT * FROM system.users",
    ]
    lifts = [
        "SET readonly = 0",
        "SET max_execution_time = 0",
        "SET max_execution_time = 3600",
        "SET max_memory_usage = 0",
        "SET max_result_rows = 0",
        "SET max_concurrent_queries_for_user = 0",
    ]
    *answers, much = run_as(
        "grafana", migrated, [*writes, *lifts, "SELECT number FROM numbers(3000000)"]
    )

    assert [a for a in answers[: len(writes)] if not denied(a)] == []
    assert [
        a for a in answers[len(writes) :] if not a.startswith(("Code: 164.", "Code: 452."))
    ] == []
    assert much.startswith("Code: 396.")  # TOO_MANY_ROWS_OR_BYTES


# The collector.


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


# The wheel.


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
