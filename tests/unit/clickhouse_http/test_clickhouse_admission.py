"""Which statements are let through. Text alone: no engine is near, so whatever got through here
would do nothing; the paths in it are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exectrail.clickhouse_http.admission import OUTWARD, admit
from exectrail.clickhouse_http.errors import ClickHouseError


def refusal(sql: str) -> int:
    """Code of the error; 0 where the statement is let through."""
    try:
        admit(sql)
    except ClickHouseError as error:
        return error.code
    return 0


KINDS = [
    "ATTACH TABLE x FROM 'DIR' (a String) ENGINE = MergeTree ORDER BY a",
    "ATTACH TABLE x",
    "ATTACH DATABASE x",
    "DETACH TABLE x PERMANENTLY",
    "BACKUP TABLE x TO File('DIR')",
    "RESTORE TABLE x FROM File('DIR')",
    "KILL QUERY WHERE 1",
    "KILL MUTATION WHERE 1",
    "GRANT ALL ON *.* TO default",
    "REVOKE ALL ON *.* FROM default",
    "MOVE USER a TO b",
    "EXECUTE AS default SELECT 1",
    "BEGIN TRANSACTION",
    "COMMIT",
    "WATCH x",
    "CREATE USER mallory",
    "CREATE ROLE r",
    "CREATE QUOTA q",
    "CREATE ROW POLICY p ON t",
    "CREATE SETTINGS PROFILE p",
    "CREATE NAMED COLLECTION c AS url = 'x'",
    "CREATE OR REPLACE NAMED COLLECTION c AS url = 'x'",
    "CREATE DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(HTTP(url 'x')) LAYOUT(FLAT())",
    "CREATE WORKLOAD w",
    "CREATE RESOURCE r (READ DISK d)",
    "CREATE LIVE VIEW v AS SELECT 1",
    "CREATE WINDOW VIEW v AS SELECT 1",
    "DROP USER default",
    "DROP NAMED COLLECTION c",
    "DROP DICTIONARY d",
    "ALTER USER default IDENTIFIED BY 'x'",
    "ALTER NAMED COLLECTION c SET url = 'x'",
    "ALTER ROW POLICY p ON t",
    "REPLACE DICTIONARY d",
    "SYSTEM SHUTDOWN",
    "SYSTEM KILL",
    "SYSTEM RELOAD CONFIG",
    "SYSTEM DROP REPLICA 'x' FROM ZKPATH 'y'",
    "SYSTEM RESTORE REPLICA x",
    "SYSTEM SYNC FILE CACHE",
    "SYSTEM UNFREEZE WITH NAME 'x'",
    "SYSTEM JEMALLOC FLUSH PROFILE",
    "SYSTEM LOAD PRIMARY KEY",
    "SYSTEM ENABLE FAILPOINT x",
    "SYSTEM START LISTEN TCP",
    "SYSTEM",
    "SET ROLE mallory",
    "SET DEFAULT ROLE mallory TO default",
    "SET TRANSACTION SNAPSHOT 1",
]


@pytest.mark.parametrize("sql", KINDS)
def test_only_kinds_that_are_offered_are_let_through(sql: str):
    between = sql.replace(" ", " /* ' */\n", 2)
    bracket = f"( {sql}"
    for spelled in (sql, sql.lower(), f"\t--x\n{sql}", between, bracket, f"# x\n{sql};"):
        assert refusal(spelled) == 497, spelled


@pytest.mark.parametrize(
    "sql", ["", " ", ";", "SELEC 1", "'x'", "\u00a0SELECT 1", "\ufeffSELECT 1", "\0SELECT 1", "1"]
)
def test_what_is_no_statement_is_a_syntax_error(sql: str):
    assert refusal(sql) == 62


WAYS = [
    *[f"SELECT * FROM {name}('x')" for name in sorted(OUTWARD)],
    "SELECT * FROM a, url('x')",
    "SELECT * FROM URL ('x')",
    "SELECT * FROM `url`('x')",
    "SELECT * FROM \"s3\" /* */ ('x')",
    "SELECT * FROM `u\\x72l`('x')",
    "SELECT * FROM url--\n('x')",
    "SELECT 1 IN (SELECT * FROM s3('x'))",
    "SELECT 1 IN remote('x', y)",
    "EXPLAIN SELECT * FROM mysql('x', 'y')",
    "EXPLAIN TABLE OVERRIDE mysql('x', 'y') PARTITION BY a",
    "DESCRIBE TABLE url('x')",
    "DESC s3Cluster('x')",
    "INSERT INTO FUNCTION s3('x') SELECT 1",
    "INSERT INTO TABLE FUNCTION url('x') VALUES (1)",
    "CREATE TABLE a AS url('x')",
    "CREATE VIEW a AS SELECT * FROM url('x')",
    "CREATE FUNCTION f AS (x) -> file(x)",
    "CREATE TABLE a (b Int8) ENGINE = File(CSV)",
    "CREATE TABLE a (b Int8) ENGINE File(CSV)",
    "CREATE TABLE a (b Int8) engine/**/=/**/URL('x')",
    'CREATE TABLE a (b Int8) ENGINE = "URL"',
    "CREATE TABLE a (b Int8) ENGINE = `U\\x52L`('x')",
    "CREATE TABLE a (b Int8) ENGINE = {e:Identifier}",
    "CREATE TABLE a (b Int8) ENGINE = Kafka",
    "CREATE TABLE a (b Int8) ENGINE = Distributed(x, y, z)",
    "CREATE TABLE a (b Int8) ENGINE = EmbeddedRocksDB(0, 'DIR') PRIMARY KEY b",
    "CREATE TABLE a (b Int8) ENGINE = ExecutablePool('x', CSV)",
    "CREATE OR REPLACE TABLE a (b Int8) ENGINE = S3('x')",
    "REPLACE TABLE a (b Int8) ENGINE = S3('x')",
    "CREATE TEMPORARY TABLE a (b Int8) ENGINE = URL('x')",
    "CREATE MATERIALIZED VIEW a ENGINE = Kafka AS SELECT 1",
    "CREATE DATABASE a ENGINE = MySQL('x')",
    "CREATE DATABASE a ENGINE = Filesystem('DIR')",
    "CREATE DATABASE a ENGINE = Overlay('x')",
    "CREATE DATABASE a ENGINE=Backup('x', Disk('y'))",
    "CREATE TABLE a (b Int8) ENGINE = MergeTree ORDER BY b SETTINGS disk = disk(type = local)",
    "CREATE TABLE a (b Int8) ENGINE = MergeTree ORDER BY b SETTINGS `disk`=`disk` (type = web)",
    "ALTER TABLE a MODIFY SETTING disk = disk (type = local)",
    "ALTER TABLE a FREEZE",
    "ALTER TABLE a FREEZE WITH NAME 'x'",
    "ALTER TABLE a FREEZE PARTITION 1",
    "ALTER TABLE a UNFREEZE WITH NAME 'x'",
    "ALTER TABLE a FETCH PARTITION 1 FROM 'x'",
    "ALTER TABLE a EXPORT PART 'x' TO TABLE FUNCTION s3('y')",
    "ALTER TABLE a EXPORT PARTITION 1 TO TABLE b",
    "ALTER TABLE a MOVE PARTITION 1 TO DISK 'x'",
    "ALTER TABLE a MOVE PART 'x' TO VOLUME 'y'",
    "ALTER TABLE a MOVE PART 'x' TO SHARD 'y'",
    "CREATE TABLE a (b Int8) ENGINE = Memory PARALLEL WITH DROP TABLE b",
    "SELECT 1 PARALLEL/**/WITH SELECT 2",
    "SELECT 1 INTO OUTFILE 'DIR/x'",
    "INSERT INTO t FROM INFILE 'DIR/x' FORMAT CSV",
]


@pytest.mark.parametrize("sql", WAYS)
def test_no_way_out_is_let_through(sql: str):
    assert refusal(sql) == 497


@pytest.mark.parametrize(
    "sql",
    ["SELECT 1; ATTACH TABLE x", "SELECT ';';;x", "INSERT INTO a SELECT 1; DROP TABLE b"],
)
def test_of_several_statements_none_is_let_through(sql: str):
    assert refusal(sql) == 62


FINE = [
    "SELECT url, file_name, remote, cluster FROM t WHERE url IN ('s3(', 'url(')",
    "SELECT domain(url), path(url), format('{}', url) FROM t",
    "SELECT engine, name FROM system.tables WHERE engine = 'MergeTree'",
    "SELECT attach, parallel, disk FROM t WHERE attach = 1",
    "SELECT freeze, export, part FROM t",
    "WITH 1 AS a SELECT a",
    "FROM t SELECT a",
    "(SELECT 1) UNION ALL (SELECT 2)",
    "VALUES (1)",
    "SHOW TABLES",
    "SHOW CREATE TABLE a",
    "DESCRIBE TABLE a",
    "EXPLAIN PIPELINE SELECT 1",
    "EXISTS TABLE a",
    "CHECK TABLE a",
    "USE a",
    "SET max_threads = 1",
    "INSERT INTO a (url, file_name) SELECT 1, 2",
    "INSERT INTO FUNCTION null('a UInt8') SELECT 1",
    "CREATE DATABASE IF NOT EXISTS a ENGINE = Atomic",
    "CREATE TABLE a (url String, `engine` String, `part/x` Int8) ENGINE = MergeTree ORDER BY url",
    "CREATE TABLE a (b Int8, PROJECTION p (SELECT b ORDER BY b)) ENGINE MergeTree ORDER BY b",
    "CREATE TEMPORARY TABLE a (b Int8)",
    "CREATE OR REPLACE VIEW a AS SELECT engine FROM system.tables WHERE engine = 'Memory'",
    "CREATE VIEW a AS SELECT engine AS e, url AS `cost/hour` FROM b",
    "CREATE OR REPLACE FUNCTION f AS (x) -> x + 1",
    "CREATE MATERIALIZED VIEW a TO b AS SELECT 1",
    "CREATE INDEX i ON a (b) TYPE minmax",
    "ALTER TABLE a ADD INDEX IF NOT EXISTS `i` b TYPE minmax, DROP COLUMN c",
    "ALTER TABLE a DROP PART 'all_1_1_0', ATTACH PARTITION 1 FROM b, MOVE PARTITION 1 TO TABLE c",
    "ALTER TABLE a MODIFY SETTING max_part_loading_threads = 1",
    "DELETE FROM a WHERE 1",
    "UPDATE a SET b = 1 WHERE 1",
    "DROP TABLE a",
    "DROP VIEW IF EXISTS a",
    "DROP TEMPORARY TABLE a",
    "TRUNCATE TABLE a",
    "OPTIMIZE TABLE a FINAL",
    "RENAME TABLE a TO b",
    "EXCHANGE TABLES a AND b",
    "UNDROP TABLE a",
    "SYSTEM STOP MERGES",
    "SYSTEM START TTL MERGES a",
    "SYSTEM FLUSH LOGS",
    "SYSTEM REFRESH VIEW a",
]


@pytest.mark.parametrize("sql", FINE)
def test_what_stays_inside_the_tables_is_let_through_as_it_is(sql: str):
    assert admit(sql) == sql
    assert admit(f"{sql};") == f"{sql};"


_SKIPPED = st.lists(
    st.sampled_from(
        [" ", "\n", "\t\f\v\r", "/* ' */", '-- "\n', "# '\n", "#!`\n", "// /*\n", "/**/"]
    ),
    min_size=1,
    max_size=8,
).map("".join)


@given(_SKIPPED, _SKIPPED, st.lists(st.sampled_from(["(", " "])).map("".join))
def test_what_the_engine_skips_hides_nothing(before: str, between: str, brackets: str):
    assert refusal(f"{before}{brackets}ATTACH{between}TABLE x FROM 'DIR'") == 497
    assert refusal(f"{before}SELECT 1{between}INTO{between}OUTFILE{between}'DIR/x'") == 497
    assert refusal(f"{before}SELECT * FROM{between}url{between}('x')") == 497
    assert refusal(f"CREATE TABLE a (b Int8){between}ENGINE{between}={between}URL('x')") == 497
    assert refusal(f"ALTER TABLE a{between}FREEZE") == 497
    assert refusal(f"SELECT 1{between};{between}DROP TABLE a") == 62
