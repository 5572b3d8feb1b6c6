"""Who is let in, with which token, by which way, and what others are told."""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import ssl
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from google.rpc.status_pb2 import Status

from exectrail.receiver.state import OWN_TOKEN_FILE
from exectrail.storage.client import StorageError, connect

from .conftest import FULL, INGEST, READ, Certificates, Guarded, ask, exectrail

pytestmark = pytest.mark.slow

PROTOBUF = "application/x-protobuf"


def log(text: str) -> bytes:
    record = {"body": {"stringValue": text}}
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).encode()


def key(token: str) -> dict[str, str]:
    return {"X-ClickHouse-User": "default", "X-ClickHouse-Key": token}


WRONG = ["", "wrong", FULL[:-1], f"{FULL}x", FULL.upper(), "\xff\xfe", "a" * 5000]


@pytest.mark.parametrize("token", WRONG)
@pytest.mark.parametrize("content_type", [PROTOBUF, "application/json", "text/html"])
def test_telemetry_without_a_valid_token_is_refused_in_its_own_encoding(
    guarded: Guarded, token: str, content_type: str
):
    answer = guarded.send("logs", b"", token, content_type)

    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    if content_type == PROTOBUF:
        status = Status.FromString(answer.body)
        code, message = status.code, status.message
    else:
        assert answer.headers["content-type"] == "application/json"
        code, message = (json.loads(answer.body)[name] for name in ("code", "message"))
    assert code == 16
    assert "OTEL_EXPORTER_OTLP_HEADERS" in message
    assert FULL not in message


@pytest.mark.parametrize("token", WRONG)
def test_questions_without_a_valid_token_are_refused_as_clickhouse_does(
    guarded: Guarded, token: str
):
    basic = base64.b64encode(f"default:{token}".encode("latin-1")).decode()
    for headers, parameters in (
        ({}, {}),
        (key(token), {}),
        ({"Authorization": f"Bearer {token}"}, {}),
        ({"Authorization": f"Basic {basic}"}, {}),
        ({"Authorization": "Basic %%%"}, {}),
        ({"Authorization": "Digest x"}, {}),
        ({}, {"user": "reader", "password": token}),
    ):
        answer = guarded.sql("SELECT 1", headers, **parameters)
        assert (answer.status, answer.code) == (401, "516"), (headers, answer.body)
        assert answer.body.startswith(b"Code: 516. DB::Exception: ")
        assert b"EXECTRAIL_CLICKHOUSE_PASSWORD" in answer.body


def test_each_token_does_what_it_is_for_and_no_more(guarded: Guarded):
    create = "CREATE TABLE IF NOT EXISTS granted (a UInt8) ENGINE = Memory"
    found = {
        token: (
            guarded.send("logs", log(token), token).status,
            guarded.sql("SELECT 1", key(token)).code or "ok",
            guarded.sql(create, key(token)).code or "ok",
        )
        for token in (FULL, INGEST, READ)
    }

    assert found == {
        FULL: (200, "ok", "ok"),
        INGEST: (200, "497", "497"),
        READ: (403, "ok", "164"),
    }
    stored = guarded.sql(
        f"SELECT Body FROM otel_logs WHERE Body IN ('{FULL}', '{INGEST}', '{READ}') ORDER BY 1",
        key(READ),
    )
    assert stored.body.decode().split() == sorted([FULL, INGEST])


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO otel_logs (Body) VALUES ('x')",
        "INSERT INTO FUNCTION null('a UInt8') VALUES (1)",
        "SYSTEM STOP MERGES",
        "KILL QUERY WHERE 1",
        "CREATE FUNCTION stolen AS (x) -> x",
        "ATTACH TABLE x",
        "SET readonly = 0",
        "SELECT 1 SETTINGS readonly = 0",
        "WITH 1 AS a INSERT INTO otel_logs (Body) SELECT 'x'",
        "EXPLAIN ESTIMATE SELECT 1; DROP TABLE otel_logs",
    ],
)
@pytest.mark.parametrize("user", ["default", "reader"])
def test_the_reading_token_changes_nothing(guarded: Guarded, sql: str, user: str):
    for session in ({}, {"session_id": "reading"}):
        answer = guarded.sql(
            sql, {"X-ClickHouse-User": user, "X-ClickHouse-Key": READ}, readonly="0", **session
        )
        assert answer.code in ("164", "497", "62"), answer.body


def test_a_full_token_as_the_reader_only_reads(guarded: Guarded):
    headers = {"X-ClickHouse-User": "reader", "X-ClickHouse-Key": FULL}

    assert guarded.sql("SELECT 1", headers).body == b"1\n"
    assert guarded.sql("CREATE TABLE x (a UInt8) ENGINE = Memory", headers).code == "164"


@pytest.mark.parametrize("path", ["/ping", "/replicas_status"])
def test_that_it_lives_is_told_to_everybody(guarded: Guarded, path: str):
    url = guarded.state.clickhouse_url
    assert ask(url, method="GET", path=path, trust=guarded.authority).body == b"Ok.\n"
    answer = ask(guarded.state.otlp_endpoint, method="GET", path="/health", trust=guarded.authority)
    assert (answer.status, answer.body) == (200, b"ok\n")


@pytest.mark.parametrize(
    "path",
    [
        "/ping/../",
        "/ping/..%2f",
        "/ping%2f..%2f",
        "//",
        "/%2e%2e/",
        "/ping/",
        "/ping;/",
        "/ping%00",
        "/PING",
        "/health",
        "/./?query=SELECT+1",
        "//evil.example/%2e%2e",
        "/ping/%252e%252e/",
    ],
)
def test_no_path_leads_around_the_token(guarded: Guarded, path: str):
    for method in ("GET", "POST"):
        answer = ask(
            guarded.state.clickhouse_url,
            method=method,
            path=path,
            trust=guarded.authority,
        )
        assert (answer.status, answer.code) == (401, "516")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/logs/",
        "//v1/logs",
        "/v1//logs",
        "/v1/logs/../traces",
        "/v1/%2e%2e/logs",
        "/v1/logs%00",
        "/v1/logs%2f",
        "/../../v1/logs",
        "/v1/profiles",
    ],
)
def test_other_paths_are_not_found_and_lead_nowhere(guarded: Guarded, path: str):
    headers = {"Authorization": f"Bearer {FULL}", "Host": "evil.example"}
    answer = ask(guarded.state.otlp_endpoint, log("x"), headers, path=path, trust=guarded.authority)

    assert answer.status == 404
    assert "location" not in answer.headers


def test_a_stranger_is_not_trusted_and_plain_http_not_answered(
    guarded: Guarded, certificates: Certificates
):
    with pytest.raises(ssl.SSLError):
        ask(guarded.state.clickhouse_url, trust=str(certificates.stranger))
    with pytest.raises((OSError, http.client.HTTPException)):
        ask(guarded.state.clickhouse_url.replace("https", "http"))


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
def test_old_tls_is_refused(guarded: Guarded):
    address = urlsplit(guarded.state.clickhouse_url)
    context = ssl.create_default_context(cafile=guarded.authority)
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with (
        socket.create_connection((address.hostname, address.port)) as opened,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(opened, server_hostname="127.0.0.1")


def test_commands_take_token_and_authority_from_the_environment(
    guarded: Guarded, certificates: Certificates, tmp_path: Path
):
    file = tmp_path / "password"
    file.write_text(f"{READ}\n")
    url = {"EXECTRAIL_CLICKHOUSE_URL": guarded.state.clickhouse_url}
    authority = {"EXECTRAIL_CLICKHOUSE_CA_FILE": guarded.authority}

    good = exectrail("sql", "SELECT 7", **url, **authority, EXECTRAIL_CLICKHOUSE_PASSWORD=READ)
    filed = exectrail(
        "sql", "SELECT 7", **url, **authority, EXECTRAIL_CLICKHOUSE_PASSWORD_FILE=str(file)
    )
    wrong = exectrail("sql", "SELECT 7", **url, **authority, EXECTRAIL_CLICKHOUSE_PASSWORD="no")
    untrusted = exectrail("sql", "SELECT 7", **url, EXECTRAIL_CLICKHOUSE_PASSWORD=READ)

    assert (good.returncode, filed.returncode) == (0, 0), good.stderr + filed.stderr
    assert "7" in good.stdout
    assert (wrong.returncode != 0, "EXECTRAIL_CLICKHOUSE_PASSWORD" in wrong.stderr) == (True, True)
    assert (untrusted.returncode != 0, "EXECTRAIL_CLICKHOUSE_CA_FILE" in untrusted.stderr) == (
        True,
        True,
    )


def test_a_file_of_the_client_that_is_not_there_is_named(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("EXECTRAIL_CLICKHOUSE_CA_FILE", "/nowhere/ca.crt")
    with pytest.raises(StorageError, match="EXECTRAIL_CLICKHOUSE_CA_FILE"):
        connect(guarded.state.clickhouse_url)
    monkeypatch.setenv("EXECTRAIL_CLICKHOUSE_PASSWORD_FILE", "/nowhere/password")
    with pytest.raises(StorageError, match="EXECTRAIL_CLICKHOUSE_PASSWORD_FILE"):
        connect(guarded.state.clickhouse_url)


def test_status_of_the_same_user_needs_no_token(guarded: Guarded):
    done = exectrail("status", "--path", guarded.path, "--json")

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["otlp_endpoint"].startswith("https://127.0.0.1:")
    assert found["rows"]["otel_metrics_gauge"] > 0
    assert stat.S_IMODE((guarded.path / OWN_TOKEN_FILE).stat().st_mode) == 0o600


def test_its_own_port_asks_for_a_token_too(guarded: Guarded):
    assert ask(guarded.state.own_url, b"SELECT 1").code == "516"


def test_a_program_reports_through_tls_with_its_token(guarded: Guarded, tmp_path: Path):
    program = tmp_path / "program.py"
    program.write_text("import exectrail\nwith exectrail.workflow('guarded report'):\n    pass\n")
    # A netrc that has a word for every host must not take the place of the token.
    (tmp_path / ".netrc").write_text("default login somebody password else\n")
    (tmp_path / ".netrc").chmod(0o600)
    environment = {
        "HOME": str(tmp_path),
        "EXECTRAIL_SPOOL": str(tmp_path / "spool"),
        "OTEL_EXPORTER_OTLP_ENDPOINT": guarded.state.otlp_endpoint,
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{INGEST}",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": guarded.authority,
    }

    done = exectrail("run", sys.executable, program, **environment)
    doctor = exectrail("doctor", **environment)

    assert done.returncode == 0, done.stderr
    found = guarded.sql(
        "SELECT state FROM executions WHERE name = 'guarded report' FORMAT TSV", key(READ)
    )
    assert found.body == b"completed\n", (found.body, done.stderr, doctor.stdout)
    assert "problem" not in doctor.stdout.partition("Settings")[0]
    assert INGEST not in doctor.stdout


def test_what_is_wrong_with_the_token_is_told_to_the_program(guarded: Guarded):
    endpoint = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": guarded.state.otlp_endpoint,
        "OTEL_EXPORTER_OTLP_CERTIFICATE": guarded.authority,
    }

    no_token = exectrail("doctor", **endpoint)
    no_trust = exectrail("doctor", **(endpoint | {"OTEL_EXPORTER_OTLP_CERTIFICATE": ""}))

    assert "answered 401: see OTEL_EXPORTER_OTLP_HEADERS" in no_token.stdout
    assert "OTEL_EXPORTER_OTLP_CERTIFICATE names the authority" in no_trust.stdout


def test_no_token_stands_in_arguments_files_or_the_log(guarded: Guarded):
    guarded.send("logs", log("x"), "a-token-that-is-wrong")
    guarded.sql("SELECT nonsense", key(FULL), password="another-wrong-token")
    command = Path(f"/proc/{guarded.state.pid}/cmdline").read_bytes()
    texts = [file for file in guarded.path.iterdir() if file.is_file()]

    said = guarded.said.encode() + command
    for file in texts:
        if file.name != OWN_TOKEN_FILE:
            said += file.read_bytes()
    for token in (FULL, INGEST, READ, "a-token-that-is-wrong", "another-wrong-token"):
        assert token.encode() not in said
    assert b"requests without a token that allows them were refused" in said
    assert b"$EXECTRAIL_TOKEN" in guarded.said.encode()


REFUSED = {
    "no token": ({}, ["--host", "0.0.0.0"], "openssl rand"),
    "no token, all of IPv6": ({}, ["--host", "::"], "so it needs a token"),
    "no such host": ({}, ["--host", "no.such.host.invalid"], "leads to no address"),
    "an empty host": ({}, ["--host", ""], "leads to no address"),
    "a short token": ({"EXECTRAIL_TOKEN": "short"}, [], "EXECTRAIL_TOKEN is no good"),
    "a token with blanks": ({"EXECTRAIL_TOKEN": "a b c d e f g h i j k"}, [], "is no good"),
    "a file that is not there": ({"EXECTRAIL_TOKEN_FILE": "/nowhere"}, [], "cannot be read"),
    "an empty file": ({"EXECTRAIL_TOKEN_FILE": os.devnull}, [], "is no good"),
    "both": ({"EXECTRAIL_TOKEN": FULL, "EXECTRAIL_TOKEN_FILE": "x"}, [], "set one of them"),
    "no full one": ({"EXECTRAIL_READ_TOKEN": READ}, [], "none for all"),
    "twice the same": (
        {"EXECTRAIL_TOKEN": FULL, "EXECTRAIL_READ_TOKEN": FULL},
        [],
        "needs its own",
    ),
    "a key alone": ({}, ["--tls-key", "x"], "--tls-key needs --tls-cert"),
    "no certificate": ({}, ["--tls-cert", "/nowhere/x.crt"], "cannot be read"),
    "not a certificate": ({}, ["--tls-cert", __file__], "cannot be used for TLS"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("detach", [True, False])
def test_what_would_leave_it_open_or_broken_is_refused_in_words(
    case: str, detach: bool, tmp_path: Path
):
    environment, words, said = REFUSED[case]
    clean = {name: "" for name in os.environ if name.startswith("EXECTRAIL_")}

    done = exectrail(
        "up",
        *(["--detach"] if detach else []),
        *("--path", tmp_path / "data", "--otlp-port", 0, "--clickhouse-port", 0),
        *words,
        **{**clean, **environment},
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert done.stderr.startswith("exectrail up: ")
    assert "Traceback" not in done.stderr
    assert FULL not in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_key_with_a_password_is_refused_without_asking_for_it(
    certificates: Certificates, tmp_path: Path
):
    locked = tmp_path / "locked.key"
    command = f"openssl ec -in {certificates.key} -out {locked} -aes256 -passout pass:not-a-secret"
    subprocess.run(command.split(), check=True, capture_output=True)

    done = exectrail(
        *("up", "--path", tmp_path / "data", "--tls-cert", certificates.chain),
        *("--tls-key", locked),
    )

    assert done.returncode == 1
    assert "the key without a password" in done.stderr


def test_without_tokens_loopback_is_as_ever(stack):
    assert ask(stack.clickhouse_url, b"SELECT 1", key("any password")).body == b"1\n"
    status = ask(
        stack.otlp_endpoint, log("x"), {"Content-Type": "application/json"}, path="/v1/logs"
    ).status
    assert status == 200
    assert not (stack.path / OWN_TOKEN_FILE).exists()
    assert stack.state.own_port == 0
