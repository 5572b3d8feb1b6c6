"""The configuration as it is laid out: alone, with agents before gateways, behind TLS."""

from __future__ import annotations

import os
import re
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from exectrail.receiver.state import State, read_state
from exectrail.storage.client import Client, connect
from exectrail.storage.runner import Runner

from .conftest import PROTOBUF, SETTINGS, Collector, Start, send, until, with_ours
from .gate import gate_to
from .payloads import logs, record, span, spans

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

AGENT, TLS, TOKEN = (SETTINGS / name for name in ("agent.yaml", "tls.yaml", "token.yaml"))
KINDS = ("extensions", "receivers", "processors", "exporters")


OVERLAYS = {
    "alone": (),
    "agent": (AGENT,),
    "tls": (TLS,),
    "agent and tls": (AGENT, TLS),
    "token": (TOKEN,),
    "agent, tls and token": (AGENT, TLS, TOKEN),
}
SECRET = "not-a-real-token-of-the-collector"


@pytest.mark.parametrize("overlays", OVERLAYS.values(), ids=OVERLAYS)
def test_the_collector_accepts_the_configuration(
    overlays: tuple[Path, ...], start: Start, certificates: dict[str, str]
):
    collector = start(*overlays, run=False, EXECTRAIL_COLLECTOR_TOKEN=SECRET, **certificates)
    collector.directory.mkdir()

    done = subprocess.run(
        collector.command("validate"), env=collector.variables(), capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_lean_distribution_has_what_the_configuration_names_and_no_more(binary: Path):
    text = subprocess.run([binary, "components"], capture_output=True, text=True, check=True).stdout
    has = yaml.safe_load(text)
    named: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for file in SETTINGS.glob("*.yaml"):
        if file.name == "builder.yaml":
            continue
        config = yaml.safe_load(file.read_text())
        for kind in KINDS:
            named[kind] |= {name.partition("/")[0] for name in config.get(kind) or {}}

    assert {kind: {one["name"] for one in has[kind] or []} for kind in KINDS} == named


def test_nothing_listens_beyond_loopback_unless_told():
    config = yaml.safe_load((SETTINGS / "config.yaml").read_text())
    protocols = [
        protocol
        for receiver in config["receivers"].values()
        for protocol in receiver["protocols"].values()
    ]
    endpoints = [one["endpoint"] for one in (*protocols, config["extensions"]["health_check"])]

    assert len(endpoints) == 4
    for endpoint in endpoints:
        assert re.match(
            r"127\.0\.0\.1:|\$\{env:EXECTRAIL_COLLECTOR_HOST:-127\.0\.0\.1\}:", endpoint
        )


@pytest.fixture
def another(stack) -> Iterator[Client]:
    """The database of a second gateway."""
    name = f"collected_{uuid.uuid4().hex[:8]}"
    with connect(stack.clickhouse_url, database=name) as client:
        Runner(client).apply()
        yield client
        client.command(f"DROP DATABASE {name}")


def balanced_over(tmp_path: Path, *ports: int) -> Path:
    """agent.yaml with the addresses of gateways in place of a name that leads to them."""
    # The anchor is dissolved by reading and writing: each exporter says all it needs.
    config: dict[str, Any] = yaml.safe_load(AGENT.read_text())
    for exporter in config["exporters"].values():
        exporter["resolver"] = {"static": {"hostnames": [f"127.0.0.1:{port}" for port in ports]}}
    file = tmp_path / "agent.yaml"
    file.write_text(yaml.safe_dump(config))
    return file


PROCESSES = 40
EVENTS = 5


def test_what_a_process_says_and_the_spans_of_a_trace_go_to_one_gateway(
    start: Start, collected: Client, another: Client, tmp_path: Path
):
    one = start()
    other = start(EXECTRAIL_CLICKHOUSE_DATABASE=another.database)
    agent = start(balanced_over(tmp_path, one.grpc, other.grpc))

    for number in range(EVENTS):
        for process in range(PROCESSES):
            body = logs(record(event_name=f"e{number}"), service=f"p{process}")
            assert send(agent.endpoint, "logs", body) == 200
            body = spans(span(trace_id=process.to_bytes(16, "big")), span(trace_id=b"\x01" * 16))
            assert send(agent.endpoint, "traces", body) == 200

    for table, key, rows in (
        ("otel_logs", "ServiceName", PROCESSES * EVENTS),
        ("otel_traces", "TraceId", 2 * PROCESSES * EVENTS),
    ):
        sql = f"SELECT {key} AS key, count() AS n FROM {table} GROUP BY key"

        def found(sql: str = sql) -> list[dict[str, int]]:
            return [
                {row["key"]: row["n"] for row in client.query(sql)}
                for client in (collected, another)
            ]

        until(lambda rows=rows, found=found: sum(sum(d.values()) for d in found()) >= rows, 30)
        left, right = found()
        assert not left.keys() & right.keys()
        assert min(len(left), len(right)) > PROCESSES // 10
        assert sum(left.values()) + sum(right.values()) == rows


def test_an_agent_finds_its_gateway_by_name_and_keeps_what_it_does_not_take(
    start: Start, collected: Client
):
    gateway = start()
    agent = start(
        AGENT, EXECTRAIL_GATEWAY_HOST="localhost", EXECTRAIL_GATEWAY_PORT=f"{gateway.grpc}"
    )

    def count() -> int:
        return collected.query("SELECT uniqExact(Body) AS n FROM otel_logs")[0]["n"]

    assert send(agent.endpoint, "logs", logs(record(body={"string_value": "before"}))) == 200
    until(lambda: count() == 1, 30)
    gateway.kill()
    assert send(agent.endpoint, "logs", logs(record(body={"string_value": "meanwhile"}))) == 200
    agent.kill()
    agent.start()
    gateway.start()

    until(lambda: count() == 2, 60, agent.log[-2000:])


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An authority, and a certificate of it for servers and clients alike."""
    at = tmp_path_factory.mktemp("certificates")
    new = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1"
    for command in (
        f"{new} -keyout ca.key -out ca.crt -subj /CN=authority",
        f"{new} -keyout one.key -out one.crt -subj /CN=one -CA ca.crt -CAkey ca.key"
        " -addext subjectAltName=IP:127.0.0.1,DNS:localhost -addext basicConstraints=CA:FALSE",
    ):
        try:
            done = subprocess.run(command.split(), cwd=at, capture_output=True, text=True)
        except FileNotFoundError:
            pytest.skip("there is no openssl to make certificates with")
        assert done.returncode == 0, done.stderr
    return {
        "EXECTRAIL_COLLECTOR_CERT_FILE": str(at / "one.crt"),
        "EXECTRAIL_COLLECTOR_KEY_FILE": str(at / "one.key"),
        "EXECTRAIL_COLLECTOR_CLIENT_CA_FILE": str(at / "ca.crt"),
    }


def test_behind_tls_only_who_has_a_certificate_is_heard(
    start: Start, collected: Client, certificates: dict[str, str]
):
    collector = start(TLS, **certificates)
    authority = certificates["EXECTRAIL_COLLECTOR_CLIENT_CA_FILE"]
    address = f"https://127.0.0.1:{collector.http}/v1/logs"

    def post(context: ssl.SSLContext, to: str = address) -> int:
        request = urllib.request.Request(to, logs(record()), {"Content-Type": PROTOBUF})
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:
            return answer.status

    stranger = ssl.create_default_context(cafile=authority)
    known = ssl.create_default_context(cafile=authority)
    known.load_cert_chain(
        certificates["EXECTRAIL_COLLECTOR_CERT_FILE"], certificates["EXECTRAIL_COLLECTOR_KEY_FILE"]
    )
    with pytest.raises(OSError):
        post(stranger)
    with pytest.raises(urllib.error.HTTPError, match="400"):
        post(known, address.replace("https", "http"))
    assert post(known) == 200

    until(lambda: collected.query("SELECT count() AS n FROM otel_logs") == [{"n": 1}], 30)
    # Its own telemetry needs no certificate.
    until(lambda: collected.query("SELECT count() > 0 AS yes FROM canary") == [{"yes": 1}], 30)


def test_agents_and_gateways_speak_by_tls(
    start: Start, collected: Client, certificates: dict[str, str]
):
    gateway = start(TLS, **certificates)
    agent = start(
        AGENT,
        EXECTRAIL_GATEWAY_HOST="localhost",
        EXECTRAIL_GATEWAY_PORT=str(gateway.grpc),
        EXECTRAIL_GATEWAY_INSECURE="false",
        EXECTRAIL_GATEWAY_CA_FILE=certificates["EXECTRAIL_COLLECTOR_CLIENT_CA_FILE"],
        EXECTRAIL_GATEWAY_CERT_FILE=certificates["EXECTRAIL_COLLECTOR_CERT_FILE"],
        EXECTRAIL_GATEWAY_KEY_FILE=certificates["EXECTRAIL_COLLECTOR_KEY_FILE"],
    )

    assert send(agent.endpoint, "logs", logs(record())) == 200

    until(lambda: collected.query("SELECT count() AS n FROM otel_logs") == [{"n": 1}], 30)


def test_without_the_token_nobody_is_heard_and_agents_show_it(
    start: Start, collected: Client, tmp_path: Path
):
    file = tmp_path / "tokens"
    file.write_text(f"{SECRET}-old\n{SECRET}\n")
    gateway = start(TOKEN, EXECTRAIL_COLLECTOR_TOKEN_FILE=str(file))
    agent = balanced_over(tmp_path, gateway.grpc)
    known = start(agent, EXECTRAIL_GATEWAY_TOKEN=SECRET)
    stranger = start(agent, EXECTRAIL_GATEWAY_TOKEN=f"{SECRET}x")

    def post(token: str | None) -> int:
        headers = {"Content-Type": PROTOBUF}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        body = logs(record(body={"string_value": "direct"}))
        request = urllib.request.Request(f"{gateway.endpoint}/v1/logs", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    assert [post(token) for token in (None, "", "wrong", SECRET[:-1])] == [401] * 4
    assert [post(SECRET), post(f"{SECRET}-old")] == [200, 200]
    for agent, text in ((stranger, "stranger"), (known, "known")):
        body = logs(record(body={"string_value": text}))
        assert send(agent.endpoint, "logs", body) == 200

    sql = "SELECT groupUniqArray(Body) AS bodies FROM otel_logs"
    until(lambda: "known" in collected.query(sql)[0]["bodies"], 30, known.log[-2000:])
    until(lambda: "Unauthenticated" in stranger.log, 30, stranger.log[-2000:])
    assert sorted(collected.query(sql)[0]["bodies"]) == ["direct", "known"]
    for collector in (gateway, known, stranger):
        assert SECRET not in collector.log
    # Its own telemetry needs no token.
    until(lambda: collected.query("SELECT count() > 0 AS yes FROM canary") == [{"yes": 1}], 30)


STACK_TOKEN = "not-a-real-token-of-the-stack"


@pytest.fixture
def guarded(certificates: dict[str, str], tmp_path: Path) -> Iterator[State]:
    """An embedded stack that asks for a token and speaks TLS alone."""
    path = tmp_path / "guarded"
    command = [sys.executable, "-m", "exectrail"]
    ports = ("--otlp-port", "0", "--clickhouse-port", "0")
    pair = (
        *("--tls-cert", certificates["EXECTRAIL_COLLECTOR_CERT_FILE"]),
        *("--tls-key", certificates["EXECTRAIL_COLLECTOR_KEY_FILE"]),
    )
    environment = {**os.environ, "EXECTRAIL_TOKEN": STACK_TOKEN}
    up = [*command, "up", "--detach", "--path", path, *ports, *pair]
    subprocess.run(up, env=environment, check=True, capture_output=True, timeout=120)
    state = read_state(path)
    assert state is not None
    yield state
    subprocess.run([*command, "down", "--path", path], check=True, capture_output=True, timeout=120)


def test_a_program_reports_with_tokens_and_tls_all_the_way(
    binary: Path,
    guarded: State,
    certificates: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    authority = certificates["EXECTRAIL_COLLECTOR_CLIENT_CA_FILE"]
    collector = Collector(
        binary,
        tmp_path / "collector",
        "exectrail",
        guarded.clickhouse_url,
        (TLS, TOKEN),
        {
            **certificates,
            # Who shows the token needs no certificate.
            "EXECTRAIL_COLLECTOR_CLIENT_CA_FILE": "",
            "EXECTRAIL_COLLECTOR_TOKEN": SECRET,
            "EXECTRAIL_CLICKHOUSE_PASSWORD": STACK_TOKEN,
            "EXECTRAIL_CLICKHOUSE_CA_FILE": authority,
        },
    )
    program = tmp_path / "program.py"
    program.write_text("import exectrail\nwith exectrail.workflow('all the way'):\n    pass\n")
    environment = {
        **os.environ,
        "EXECTRAIL_SPOOL": str(tmp_path / "spool"),
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://127.0.0.1:{collector.http}",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": authority,
    }
    token = {"OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{SECRET}"}

    def ours(*words: object, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "exectrail", *map(str, words)]
        env = {**environment, **more}
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)

    collector.start()
    try:
        assert "answered 401" in ours("doctor").stdout
        done = ours("run", sys.executable, program, **token)
        assert (done.returncode, done.stderr) == (0, "")
        monkeypatch.setenv("EXECTRAIL_CLICKHOUSE_CA_FILE", authority)
        with connect(guarded.clickhouse_url, password=STACK_TOKEN) as client:
            sql = "SELECT state FROM executions WHERE name = 'all the way'"
            until(lambda: client.query(sql) == [{"state": "completed"}], 60, collector.log[-2000:])
    finally:
        collector.stop()
    assert SECRET not in collector.log
    assert STACK_TOKEN not in collector.log


@pytest.mark.parametrize("how", ["zstd", "gzip", "deflate", "none", "lz4&async_insert=1"])
def test_the_embedded_stack_takes_what_the_exporter_compresses(
    how: str, start: Start, stack, collected: Client
):
    collector = start(EXECTRAIL_CLICKHOUSE_URL=f"{stack.clickhouse_url}?compress={how}")

    assert send(collector.endpoint, "logs", logs(record(body={"string_value": "x" * 9}))) == 200

    sql = "SELECT Body AS body FROM otel_logs"
    until(lambda: collected.query(sql) == [{"body": "x" * 9}], 20, collector.log[-2000:])
    # What it was told of the table's columns was compressed, too.
    assert "schema detection failed" not in collector.log


def test_an_error_of_the_database_is_in_the_log(start: Start, collected: Client):
    collector = start(EXECTRAIL_CLICKHOUSE_DATABASE="nowhere")

    assert send(collector.endpoint, "logs", logs(record())) == 200

    until(lambda: "Database nowhere does not exist" in collector.log, 30, collector.log[-2000:])


def test_a_database_behind_tls_is_written_to(
    start: Start, stack, collected: Client, certificates: dict[str, str]
):
    authority = certificates["EXECTRAIL_COLLECTOR_CLIENT_CA_FILE"]
    pair = (
        certificates["EXECTRAIL_COLLECTOR_CERT_FILE"],
        certificates["EXECTRAIL_COLLECTOR_KEY_FILE"],
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority)
    context.load_cert_chain(*pair)
    context.verify_mode = ssl.CERT_REQUIRED
    with gate_to(stack.clickhouse_url, context) as gate:
        collector = start(
            EXECTRAIL_CLICKHOUSE_URL=gate.url,
            EXECTRAIL_CLICKHOUSE_CA_FILE=authority,
            EXECTRAIL_CLICKHOUSE_CERT_FILE=pair[0],
            EXECTRAIL_CLICKHOUSE_KEY_FILE=pair[1],
        )

        assert send(collector.endpoint, "logs", logs(record())) == 200

        sql = "SELECT count() AS n FROM otel_logs"
        until(lambda: collected.query(sql) == [{"n": 1}], 30, collector.log[-2000:])
        collector.stop()


THEIRS = """
extensions:
  health_check: {endpoint: "127.0.0.1:${env:EXECTRAIL_COLLECTOR_HEALTH_PORT}"}
receivers:
  otlp: {protocols: {http: {endpoint: "127.0.0.1:${env:EXECTRAIL_COLLECTOR_HTTP_PORT}"}}}
processors:
  memory_limiter: {check_interval: 1s, limit_mib: 500}
exporters:
  clickhouse:
    endpoint: http://127.0.0.1:9
    create_schema: false
    sending_queue: {enabled: true, queue_size: 10}
    retry_on_failure: {enabled: false}
service:
  extensions: [health_check]
  telemetry: {metrics: {readers: []}}
  pipelines:
    traces: {receivers: [otlp], processors: [memory_limiter], exporters: [clickhouse]}
    logs: {receivers: [otlp], exporters: [clickhouse]}
"""


def test_a_collector_that_is_there_already_sends_to_our_tables_beside_what_it_does(
    start: Start, collected: Client, tmp_path: Path
):
    ours = yaml.safe_load((SETTINGS / "existing.yaml").read_text())
    ours["exporters"]["clickhouse/exectrail"]["database"] = collected.database
    both = tmp_path / "both.yaml"
    both.write_text(yaml.safe_dump(with_ours(yaml.safe_load(THEIRS), ours)))
    collector = start(run=False)
    collector.base = both
    collector.start()

    assert send(collector.endpoint, "logs", logs(record())) == 200
    assert send(collector.endpoint, "traces", spans(span())) == 200

    for table in ("otel_logs", "otel_traces"):
        sql = f"SELECT count() AS n FROM {table}"
        until(lambda sql=sql: collected.query(sql) == [{"n": 1}], 30, collector.log[-2000:])
    until(lambda: collected.query("SELECT count() > 0 AS yes FROM canary") == [{"yes": 1}], 30)
