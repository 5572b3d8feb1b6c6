"""What no statement may do, whoever sends it. The lists are the engine's own, so that
nothing new is let in unseen.

Every path in here is one below the test's own directory: a statement that got through could move
or change what it names.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from exectrail.clickhouse_http.admission import ENGINES, OUTWARD, admit
from exectrail.clickhouse_http.errors import ClickHouseError

from .conftest import Answer, ask

pytestmark = pytest.mark.slow

HARMLESS = {
    *("SQLStandardValues", "format", "fuzzJSON", "fuzzQuery", "generateRandom", "generateSeries"),
    *("generate_series", "input", "loop", "merge", "null", "numbers", "numbers_mt", "primes"),
    *("values", "view", "viewExplain", "viewIfPermitted", "zeros", "zeros_mt"),
    *("mergeTreeAnalyzeIndexes", "mergeTreeAnalyzeIndexesUUID", "mergeTreeCodecBlockCounts"),
    *("mergeTreeIndex", "mergeTreeProjection", "mergeTreeTextIndex"),
    *("prometheusQuery", "prometheusQueryRange", "timeSeriesData", "timeSeriesMetricFamilies"),
    *("timeSeriesMetrics", "timeSeriesSamples", "timeSeriesSelector", "timeSeriesTags"),
}
"""Table functions that compute, or read tables that the asker may read anyway."""
NAMES = {"file", "executable", "eval", "python", "arrowstream"}
"""Those that are refused as names wherever they stand."""


class Trap:
    """Counts who connects to it, and puts them off."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.caught = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                caught, _ = self._socket.accept()
            except OSError:
                return
            self.caught += 1
            caught.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def trap() -> Iterator[Trap]:
    made = Trap()
    yield made
    made.close()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret.csv"
    file.write_text("topsecret\n")
    return file


def run(stack, sql: str, **parameters: str) -> Answer:
    return ask(stack.clickhouse_url, sql.encode(), max_execution_time="5", **parameters)


def names(stack, table: str) -> list[str]:
    return run(stack, f"SELECT name FROM system.{table} ORDER BY name").body.decode().split()


def is_refused(sql: str) -> bool:
    """Whether the text alone is refused, before an engine sees it."""
    try:
        admit(sql)
    except ClickHouseError:
        return True
    return False


def test_every_table_function_of_the_engine_is_known(stack):
    found = set(names(stack, "table_functions"))

    assert len(found) > 80
    assert {name.lower() for name in found - HARMLESS} <= OUTWARD | NAMES


# The engine is asked as itself here, past what is refused before: its rights hold alone as well.
ENGINE_ALONE = """
import json, sys
from pathlib import Path
from exectrail.clickhouse_http.engine import Engine
from exectrail.clickhouse_http.errors import ClickHouseError

engine = Engine.open(Path(sys.argv[1]))
through = []
for statement in json.load(sys.stdin):
    with engine.handle() as handle:
        handle.set({"max_execution_time": "5"})
        try:
            result = handle.query(statement)
            through.append([statement, result.data.decode("utf-8", "replace")[:200]])
        except ClickHouseError as error:
            if "topsecret" in str(error):
                through.append([statement, str(error)])
engine.close()
print(json.dumps(through))
"""


def test_the_engine_grants_no_table_function_that_reads_files_or_speaks_to_hosts(
    stack, secret: Path, trap: Trap
):
    functions = [name for name in names(stack, "table_functions") if name not in HARMLESS]
    asked = [
        f"'{secret}'",
        f"'{secret}', 'CSV', 'a String'",
        f"'{secret}', 't'",
        f"'http://{trap.address}/b/f.csv'",
        f"'http://{trap.address}/b/f.csv', 'CSV', 'a String'",
        f"'http://{trap.address}/b/f.csv', 'key', 'secret', 'CSV', 'a String'",
        f"'{trap.address}', 'system', 'one'",
        f"'{trap.address}', 'd', 't', 'u', 'p'",
        f"'{trap.address}', 'key', 'a String'",
        f"'mongodb://{trap.address}/d', 't', 'a String'",
        f"'cat {secret}', 'TSV', 'a String'",
        "",
    ]
    calls = [f"{name}({arguments})" for name in functions for arguments in asked]
    statements = [f"SELECT * FROM {call} LIMIT 1" for call in calls]
    # Where the columns are given, they are all that DESCRIBE tells.
    statements += [f"DESCRIBE TABLE {call}" for call in calls if "a String" not in call]
    assert [one for one in statements if not is_refused(one)] == []

    done = subprocess.run(
        [sys.executable, "-c", ENGINE_ALONE, str(secret.parent / "engine")],
        input=json.dumps(statements),
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert done.returncode == 0, done.stderr
    through = json.loads(done.stdout)
    assert through == []
    assert trap.caught == 0


def test_no_engine_of_tables_or_databases_leads_outside(stack, secret: Path, trap: Trap):
    arguments = [
        "",
        f"('{secret}')",
        f"('CSV', '{secret}')",
        f"('http://{trap.address}/b/f.csv')",
        f"('http://{trap.address}/b/f.csv', 'CSV')",
        f"('{trap.address}', 'd', 't', 'u', 'p')",
        f"('{trap.address}', 'd', 'u', 'p')",
    ]
    inside: set[str] = set()
    for kind, table in (("TABLE", "table_engines"), ("DATABASE", "database_engines")):
        for name in names(stack, table):
            if name.lower() in ENGINES:
                inside.add(name.lower())
                continue
            for of in arguments:
                columns = " (a String)" if kind == "TABLE" else ""
                order = " ORDER BY a" if name.endswith("MergeTree") else ""
                for equals in (" = ", " "):
                    sql = f"CREATE {kind} outside{columns} ENGINE{equals}{name}{of}{order}"
                    assert is_refused(sql), sql
                    answer = run(stack, sql)
                    assert (answer.status, answer.code) == (403, "497"), (sql, answer.body)

    assert inside == ENGINES
    assert trap.caught == 0


DISKS = [
    "type = local, path = '{path}'",
    "type = object_storage, object_storage_type = local, path = '{path}'",
    "type = local_blob_storage, path = '{path}'",
    "type = web, endpoint = 'http://{trap}/x/'",
    "type = s3_plain, endpoint = 'http://{trap}/bucket/x/', access_key_id = 'a',"
    " secret_access_key = 'b'",
    "type = cache, path = '{path}', max_size = 1000, disk = 'default'",
    "type = encrypted, disk = 'default', path = 'x/', key = '1234567812345678'",
]


@pytest.mark.parametrize("disk", DISKS)
@pytest.mark.parametrize("spelled", ["disk = disk(", "disk=/**/disk /* */ (", "`disk` = `disk`("])
def test_no_table_brings_a_disk_of_its_own(
    stack, disk: str, spelled: str, tmp_path: Path, trap: Trap
):
    text = disk.format(path=f"{tmp_path}/disk/", trap=trap.address)
    run(stack, "CREATE TABLE IF NOT EXISTS plain (a UInt8) ENGINE = MergeTree ORDER BY a")

    for sql in (
        f"CREATE TABLE outside (a UInt8) ENGINE = MergeTree ORDER BY a SETTINGS {spelled}{text})",
        f"CREATE TABLE outside CLONE AS plain ENGINE = MergeTree ORDER BY a"
        f" SETTINGS {spelled}{text})",
        f"ALTER TABLE plain MODIFY SETTING {spelled}{text})",
    ):
        assert is_refused(sql)
        assert run(stack, sql).code == "497"
    assert list(tmp_path.iterdir()) == []
    assert trap.caught == 0


OUTSIDE = [
    "SELECT * FROM file('{secret}', 'LineAsString')",
    "SELECT file('{secret}')",
    "DESCRIBE TABLE file('{secret}')",
    "CREATE VIEW stolen AS SELECT * FROM url('http://{trap}/', 'LineAsString')",
    "CREATE VIEW stolen AS SELECT file('{secret}')",
    "SELECT * FROM view(SELECT * FROM url('http://{trap}/', 'CSV', 'a String'))",
    "EXPLAIN SELECT * FROM url('http://{trap}/', 'CSV', 'a String')",
    "SELECT * FROM otel_logs INTO OUTFILE '{secret}.out'",
    "SELECT * FROM otel_logs INTO OUTFILE '{secret}.out' AND STDOUT",
    "INSERT INTO otel_logs (Body) FROM INFILE '{secret}' FORMAT LineAsString",
    "ATTACH TABLE stolen UUID '11111111-1111-1111-1111-111111111111' (a String)"
    " ENGINE = File('LineAsString', '{secret}')",
    "ATTACH TABLE stolen FROM '{directory}' (a String) ENGINE = MergeTree ORDER BY a",
    "ATTACH DATABASE stolen ENGINE = Filesystem('{directory}')",
    "CREATE TABLE stolen (a Int8) ENGINE = Memory PARALLEL WITH"
    " ATTACH TABLE stolen2 FROM '{directory}' (a String) ENGINE = MergeTree ORDER BY a",
    "CREATE TABLE stolen AS url('http://{trap}/', 'LineAsString')",
    "CREATE TABLE stolen (a String) ENGINE = Memory AS SELECT * FROM url('http://{trap}/', 'CSV')",
    "CREATE DICTIONARY stolen (a UInt64, b String) PRIMARY KEY a LAYOUT(FLAT()) LIFETIME(0)"
    " SOURCE(HTTP(URL 'http://{trap}/' FORMAT 'TSV'))",
    "CREATE NAMED COLLECTION stolen AS url = 'http://{trap}/'",
    "SELECT * FROM mysql('{trap}', 'd', 't', 'u', 'p')",
    "BACKUP TABLE otel_logs TO File('{secret}.out')",
    "BACKUP TABLE otel_logs TO S3('http://{trap}/b/x', 'a', 'b')",
    "RESTORE TABLE otel_logs FROM S3('http://{trap}/b/x', 'a', 'b')",
    "ALTER TABLE otel_logs FETCH PARTITION 1 FROM '/x'",
    "ALTER TABLE otel_logs FREEZE WITH NAME 'x'",
    "ALTER TABLE otel_logs EXPORT PART 'x' TO TABLE FUNCTION s3('http://{trap}/b/x')",
    "SYSTEM RELOAD CONFIG",
    "SYSTEM SHUTDOWN",
    "SYSTEM KILL",
    "SYSTEM RESTORE REPLICA x",
    "SYSTEM SYNC FILE CACHE",
    "KILL QUERY WHERE 1",
    "CREATE FUNCTION stolen AS (name) -> file(name)",
    "CREATE USER mallory",
    "ALTER USER default IDENTIFIED BY 'x'",
    "SET ROLE mallory",
]


@pytest.mark.parametrize("sql", OUTSIDE)
@pytest.mark.parametrize("user", ["default", "reader"])
def test_nothing_outside_the_tables_is_read_or_written(
    stack, sql: str, user: str, secret: Path, trap: Trap
):
    inside = secret.parent / "directory"
    inside.mkdir()
    (inside / "kept").write_text("topsecret\n")
    text = sql.format(trap=trap.address, secret=secret, directory=inside)
    assert is_refused(text)

    answer = run(stack, text, user=user)

    assert (answer.status, answer.code) == (403, "497"), answer.body
    assert b"topsecret" not in answer.body
    left = sorted(str(file.relative_to(secret.parent)) for file in secret.parent.rglob("*"))
    assert left == ["directory", "directory/kept", "secret.csv"]
    assert trap.caught == 0


REFUSED_BY_RIGHT = [
    "SELECT dictGet('stolen', 'a', 1)",
    "SELECT aiGenerate('http://{trap}/', 'x')",
    "SHOW CREATE USER default",
    "SELECT * FROM system.users",
    "DROP DATABASE system",
    "DROP DATABASE information_schema",
    "ALTER TABLE system.tables DROP COLUMN name",
    "CREATE VIEW loose SQL SECURITY NONE AS SELECT 1",
    "SELECT addressToLine(1)",
    "ALTER TABLE otel_logs ADD PROJECTION `../x` (SELECT Body ORDER BY Body)",
    "CREATE TABLE outside (a UInt8, INDEX `../x` a TYPE minmax) ENGINE = MergeTree ORDER BY a"
    " SETTINGS escape_index_filenames = 0",
    "ALTER TABLE otel_logs ATTACH PART '../x'",
    "SELECT 1 SETTINGS format_schema = 'x'",
    "SELECT * FROM otel_logs FORMAT Protobuf SETTINGS format_schema = 'x:x'",
    "SELECT 1 FORMAT Template SETTINGS format_template_row = 'x'",
    "SET dialect = 'prql'",
    "SET input_format_record_errors_file_path = 'x'",
    "SET rename_files_after_processing = 'x'",
    "SET ast_fuzzer_runs = 1",
    "SET allow_python_table_function = 0",
    "SET dynamic_disk_allow_from_env = 1",
    "SET allow_experimental_ai_functions = 1",
]


@pytest.mark.parametrize("sql", REFUSED_BY_RIGHT)
def test_what_the_engine_refuses_stays_refused(stack, sql: str, trap: Trap):
    answer = run(stack, sql.format(trap=trap.address))

    assert answer.status != 200, answer.body
    assert answer.body.startswith(b"Code: ")
    assert trap.caught == 0
    assert run(stack, "SELECT count() FROM system.one").body == b"1\n"


BOUNDS = {
    "max_execution_time": ("3601", "3600"),
    "max_result_bytes": ("2147483649", "2147483648"),
    "max_result_rows": ("1000000001", "1000000000"),
    "max_threads": ("65", None),
    "max_parser_depth": ("1001", None),
    "max_ast_depth": ("1001", None),
    "result_overflow_mode": ("break", None),
}


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize("user", ["default", "reader"])
def test_limits_have_bounds_that_nobody_moves(stack, name: str, user: str):
    over, most = BOUNDS[name]
    word = over if over.isdigit() else f"'{over}'"
    url = stack.clickhouse_url

    assert ask(url, b"SELECT 1", user=user, **{name: over}).code == "452"
    assert ask(url, f"SELECT 1 SETTINGS {name} = {word}".encode(), user=user).code == "452"
    assert ask(url, f"SET {name} = {word}".encode(), user=user).code == "452"
    if most is not None:
        # Clients ask by 0 for as much as there is.
        asked = ask(url, f"SELECT getSetting('{name}')".encode(), user=user, **{name: "0"})
        assert asked.body.decode().strip() == most
        assert ask(url, f"SELECT 1 SETTINGS {name} = 0".encode(), user=user).code == "452"


DEEP = {
    "brackets": "SELECT " + "(" * 100_000 + "1" + ")" * 100_000,
    "NOT": "SELECT " + "NOT " * 100_000 + "1",
    "arrays": "SELECT " + "[" * 50_000 + "1" + "]" * 50_000,
    "queries": "SELECT " + "(SELECT " * 20_000 + "1" + ")" * 20_000,
    "sums": "SELECT 1" + "+1" * 50_000,
}


@pytest.mark.parametrize("case", DEEP)
def test_a_statement_without_a_bottom_is_an_error(stack, case: str):
    assert run(stack, DEEP[case]).code in ("62", "167", "306")
    assert run(stack, "SELECT 1").body == b"1\n"


SLOW = {
    "quotes that never close": "SELECT file, '" + "\\'" * 400_000,
    "names that never close": 'SELECT file, "' + '\\"' * 400_000,
    "comments that never close": "SELECT file" + "/* " * 300_000,
    "quotes": "SELECT file" + "'" * 999_999,
    "semicolons": "SELECT 1" + ";" * 999_999 + "x",
    "blanks after the first question of the Go driver": (
        "SELECT displayName(), version(), revision(), timezone()" + " " * 900_000 + "x"
    ),
    "an insert without a format": "INSERT INTO t (" + "'" * 260_000,
}


@pytest.mark.parametrize("case", SLOW)
def test_no_statement_takes_long_to_be_looked_at(stack, case: str):
    began = time.monotonic()
    answer = run(stack, SLOW[case])

    assert answer.status in (400, 403), answer.body[:200]
    assert time.monotonic() - began < 20
