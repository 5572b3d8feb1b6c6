"""The files that make a cluster of the services, against what can be had of their readers."""

from __future__ import annotations

import copy
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import yaml

from exectrail.compose import environment, files
from exectrail.compose.directory import prepare
from exectrail.storage.placement import PLACEMENTS
from exectrail.storage.runner import load_migrations, plan

from .engine import INSERTS, STOCK_CONFIG, ask, denied, lay
from .services import COMPOSE, ROOT, SERVICES, VARIABLE

pytestmark = pytest.mark.slow

CLUSTER = yaml.safe_load((ROOT / files.CLUSTER_FILE).read_text())
OVER: dict[str, Any] = CLUSTER["services"]
SERVERS = ("clickhouse", "clickhouse-1-2", "clickhouse-2-1", "clickhouse-2-2")
KEEPERS = ("keeper-1", "keeper-2", "keeper-3")
FILES = ROOT / "compose" / "clickhouse"


def laid_over(below: Any, above: Any) -> Any:
    """Two compose files as docker compose puts them together, as far as ours go."""
    if isinstance(below, dict) and isinstance(above, dict):
        merged = dict(below)
        for key, value in above.items():
            replaced = key in ("command", "test")
            merged[key] = laid_over(below[key], value) if key in below and not replaced else value
        return merged
    if isinstance(below, list) and isinstance(above, list):
        return [*below, *(entry for entry in above if entry not in below)]
    return above


ALL: dict[str, Any] = laid_over(COMPOSE, CLUSTER)["services"]


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    return prepare(tmp_path / "stack", cluster=True).directory


@pytest.mark.parametrize("compose", [CLUSTER, laid_over(COMPOSE, CLUSTER)], ids=["over", "both"])
def test_the_compose_files_are_valid_by_the_specification(compose: dict[str, Any]):
    vendored = resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    schema = json.loads((vendored / "compose-spec.json").read_text())

    read_by = jsonschema.validators.validator_for(schema)
    assert [error.message for error in read_by(schema).iter_errors(compose)] == []


def test_both_files_are_taken_and_every_variable_is_in_the_env(prepared: Path):
    settings = environment.parse((prepared / ".env").read_text())
    taken = settings.pop("COMPOSE_FILE").split(":")
    text = "".join((prepared / name).read_text() for name in taken)

    assert taken == [files.COMPOSE_FILE, files.CLUSTER_FILE]
    assert {match[1] for match in VARIABLE.finditer(text)} == set(settings)
    assert len(settings["EXECTRAIL_INTERSERVER_PASSWORD"]) == 48


def test_a_directory_of_a_cluster_stays_one(prepared: Path):
    again = prepare(prepared)

    assert (again.written, again.overwritten, again.added) == ([], [], [])
    assert set(files.CLUSTER_FILES) <= set(again.unchanged)


def test_a_directory_of_one_database_becomes_one_of_a_cluster(tmp_path: Path):
    before = environment.parse((prepare(tmp_path).directory / ".env").read_text())
    outcome = prepare(tmp_path, cluster=True)

    assert outcome.written == list(files.CLUSTER_FILES)
    assert outcome.added == [
        "COMPOSE_FILE",
        "EXECTRAIL_INTERSERVER_PASSWORD",
        "EXECTRAIL_KEEPER_MEMORY",
    ]
    after = environment.parse((tmp_path / ".env").read_text())
    assert {name: after[name] for name in before} == before


def test_the_servers_are_those_that_each_of_them_knows():
    config = ElementTree.parse(FILES / "cluster.xml")
    shards = config.findall("remote_servers/main/shard")
    known = {
        replica.findtext("host"): (str(number), str(place))
        for number, shard in enumerate(shards, 1)
        for place, replica in enumerate(shard.findall("replica"), 1)
    }
    told = {
        ALL[name]["hostname"]: (
            ALL[name]["environment"]["EXECTRAIL_SHARD"],
            ALL[name]["environment"]["EXECTRAIL_REPLICA"],
        )
        for name in SERVERS
    }

    assert known == told
    assert set(OVER) == {*SERVERS, *KEEPERS, "migrate"}
    for name in SERVERS:
        service = ALL[name]
        host = service["hostname"]
        reached = {name, *service["networks"]["default"]["aliases"]}
        assert {host, "clickhouse"} <= reached, name
        assert service["environment"]["EXECTRAIL_INTERSERVER_HOST"] == host
    assert [shard.findtext("internal_replication") for shard in shards] == ["true", "true"]


def test_the_keepers_are_those_that_everybody_knows():
    own = ElementTree.parse(FILES / "keeper.xml")
    servers = own.findall("keeper_server/raft_configuration/server")
    asked = ElementTree.parse(FILES / "cluster.xml").findall("zookeeper/node")
    told = {
        OVER[name]["hostname"]: OVER[name]["environment"]["EXECTRAIL_KEEPER"] for name in KEEPERS
    }

    assert {s.findtext("hostname"): s.findtext("id") for s in servers} == told
    assert {node.findtext("host") for node in asked} == set(told)
    assert {node.findtext("port") for node in asked} == {own.findtext("keeper_server/tcp_port")}


def test_every_server_is_the_one_of_the_stack_with_its_files_limits_and_passwords():
    one = SERVICES["clickhouse"]
    for name in SERVERS:
        service = ALL[name]
        for part in ("image", "ulimits", "deploy", "healthcheck", "stop_grace_period", "logging"):
            assert service[part] == one[part], (name, part)
        secrets = {v for v in service["environment"] if v.endswith("_PASSWORD")}
        assert secrets == {
            *(v for v in one["environment"] if v.endswith("_PASSWORD")),
            "EXECTRAIL_INTERSERVER_PASSWORD",
        }
        mounted = {volume.split(":")[0] for volume in service["volumes"]}
        names = ("config.xml", "users.xml", "cluster.xml", "cluster_users.xml")
        assert {f"./compose/clickhouse/{file}" for file in names} <= mounted
        assert set(service["depends_on"]) == set(KEEPERS)
    version = one["image"].partition(":")[2]
    for name in KEEPERS:
        assert OVER[name]["image"] == f"clickhouse/clickhouse-keeper:{version}-alpine"
        assert OVER[name]["deploy"]["resources"]["limits"]["memory"]
    assert set(OVER["migrate"]["depends_on"]) == set(SERVERS)
    assert ALL["migrate"]["command"] == ["migrate", "apply", "--cluster", "main"]


def test_what_is_mounted_is_there_and_every_volume_is_used(prepared: Path):
    mounts = [mount for service in ALL.values() for mount in service.get("volumes", ())]
    settings = environment.parse((prepared / ".env").read_text())
    filled = (VARIABLE.sub(lambda found: settings[found[1]], mount) for mount in mounts)
    sources = {mount.split(":")[0] for mount in filled}

    assert {source for source in sources if not source.startswith("./")} == {
        *COMPOSE["volumes"],
        *CLUSTER["volumes"],
    }
    assert [s for s in sources if s.startswith("./") and not (prepared / s).exists()] == []
    data = [mount for mount in mounts if mount.endswith(":/var/lib/clickhouse")]
    assert len(set(data)) == len(data) == len(SERVERS) + len(KEEPERS)


def users() -> dict[str, ElementTree.Element]:
    """The users of a cluster: of users.xml, with the rights of cluster_users.xml."""
    found = ElementTree.parse(FILES / "users.xml").find("users")
    above = ElementTree.parse(FILES / "cluster_users.xml").find("users")
    assert found is not None
    assert above is not None
    merged = {user.tag: copy.deepcopy(user) for user in found if user.get("remove") is None}
    for user in above:
        (grants,) = user
        assert grants.get("replace") == "replace"
        old = merged[user.tag].find("grants")
        assert old is not None
        merged[user.tag].remove(old)
        merged[user.tag].append(copy.deepcopy(grants))
    return merged


def test_a_user_of_a_cluster_has_what_the_user_of_one_server_has_and_more():
    alone = ElementTree.parse(FILES / "users.xml")
    for name, user in users().items():
        rights = {query.text for query in user.findall("grants/query")}
        before = {query.text for query in alone.findall(f"users/{name}/grants/query")}
        assert before <= rights, name


def run_as(user: str, place: Path, statements: list[str]) -> list[str]:
    """Run statements with the rights and the profile of a user, by the files of a server.

    The engine is all four servers at once: the names of the others lead to it. What only servers do
    is left out of the statements: ON CLUSTER, and that tables are replicated.
    """
    port = "<tcp_port>9000</tcp_port></clickhouse>"
    lay(place, user, users()[user], STOCK_CONFIG.replace("</clickhouse>", port))
    for name in ("config", "cluster"):
        text = (FILES / f"{name}.xml").read_text().replace("/var/lib/clickhouse", str(place))
        text = re.sub(r"<host>clickhouse-\d-\d</host>", "<host>127.0.0.1</host>", text)
        (place / f"config.d/exectrail_{name}.xml").write_text(text)
    for name in ("users", "cluster_users"):
        (place / f"users.d/exectrail_{name}.xml").write_text((FILES / f"{name}.xml").read_text())
    given = ALL["clickhouse-2-1"]["environment"]
    return ask(
        place,
        [_on_one_server(s.replace("CURRENT_USER", user)) for s in statements],
        EXECTRAIL_INTERSERVER_PASSWORD="x",
        **{
            name: given[name]
            for name in ("EXECTRAIL_SHARD", "EXECTRAIL_REPLICA", "EXECTRAIL_INTERSERVER_HOST")
        },
    )


def _on_one_server(statement: str) -> str:
    statement = statement.replace(" ON CLUSTER 'main'", "")
    if "Replicated" in statement:
        statement = re.sub(r"Replicated(\w+)\('[^']*', '[^']*'(?:, )?", r"\1(", statement)
        statement = statement.replace(" replicated_dedup", " non_replicated_dedup")
    return statement


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that the user of the migrations made, with what that user may do."""
    place = tmp_path_factory.mktemp("clickhouse")
    statements = list(plan(load_migrations(), database="exectrail", cluster="main"))

    answers = run_as("exectrail", place, statements)

    assert [a for a in answers if a.startswith("Code: ")] == []
    return place


def test_a_server_knows_the_cluster_and_its_own_place(migrated: Path):
    answers = run_as(
        "exectrail",
        migrated,
        [
            "SELECT count(), uniqExact(shard_num), uniqExact(shard_num, replica_num)"
            " FROM system.clusters WHERE cluster = 'main'",
            "SELECT substitution FROM system.macros WHERE macro IN ('shard', 'replica')"
            " ORDER BY macro",
        ],
    )
    assert answers == ["4\t2\t4", "1\n2"]


def test_the_collectors_user_inserts_for_all_shards_and_every_view_is_fed(migrated: Path):
    asked = [f"DESCRIBE TABLE exectrail.{table}" for table in INSERTS]
    sent = [f"INSERT INTO exectrail.{table} {values}" for table, values in INSERTS.items()]
    answers = run_as("collector", migrated, [*asked, *sent])

    assert [a for a in answers if a.startswith("Code: ")] == []
    stored = run_as(
        "exectrail",
        migrated,
        [f"SELECT count() > 0 FROM exectrail.{table}" for table in (*INSERTS, "canary")],
    )
    assert set(stored) <= {"1", "true"}


def test_the_collectors_user_can_do_nothing_else(migrated: Path):
    answers = run_as(
        "collector",
        migrated,
        [
            "SELECT count() FROM exectrail.otel_logs",
            "SELECT count() FROM exectrail.otel_logs_local",
            "SELECT count() FROM exectrail.executions",
            "INSERT INTO exectrail.workers (worker_id) VALUES ('x')",
            "INSERT INTO exectrail.workers_local (worker_id) VALUES ('x')",
            "INSERT INTO exectrail.verdicts (reason) VALUES ('x')",
            "DROP TABLE exectrail.otel_logs_local",
            "SELECT * FROM remote('127.0.0.1', exectrail.otel_logs)",
        ],
    )
    assert [a for a in answers if not denied(a)] == []


def test_grafanas_user_reads_everything_by_every_view(migrated: Path):
    tables = [name for name, place in PLACEMENTS.items() if place.key or name != "events"]
    views = ["executions", "execution_tree", "segments", "judged", "workers_alive", "cost_daily"]
    answers = run_as(
        "grafana",
        migrated,
        ["USE exectrail", *(f"SELECT count() FROM {name}" for name in (*tables, *views))],
    )
    assert [a for a in answers if a.startswith("Code: ")] == []
    writes = run_as(
        "grafana",
        migrated,
        [
            "INSERT INTO exectrail.otel_logs (Body) VALUES ('x')",
            "INSERT INTO exectrail.otel_logs_local (Body) VALUES ('x')",
            "SELECT * FROM remote('127.0.0.1', exectrail.otel_logs)",
        ],
    )
    assert [a for a in writes if not denied(a)] == []
