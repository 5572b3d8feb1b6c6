"""SQL stands in its two folders, and names stand in the conventions."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "exectrail"
FILES = [*SOURCE.rglob("*.py"), *(ROOT / "instrumentation").glob("*/src/**/*.py")]

STATEMENT = re.compile(
    r"\s*(SELECT|INSERT\s+INTO|CREATE|ALTER|DROP|OPTIMIZE|TRUNCATE|WITH|SHOW|DESCRIBE)\s+\S"
)
FILE_NAMES = {"exectrail.toml", "exectrail.log"}
NOT_ASKING_OUR_TABLES = {
    "storage/runner.py": "the runner's own table, which no migration can make",
    "storage/foreign.py": "tables of somebody else, whose columns are known at run time",
    "storage/adoption.py": "the table of what was adopted, in the runner's room",
    "storage/backfill": "feeds what views feed on, by the SELECT of the view",
    "storage/cluster.py": "asks the engine whether the tables are on a cluster",
    "storage/tables.py": "tables as such: which there are is known at run time",
    "storage/retention.py": "runs after each application, in the runner's room",
    "clickhouse_http/": "asks the engine about itself, and tells statements apart by their words",
}


def strings(file: Path) -> Iterator[tuple[int, str]]:
    """Line and text of the strings of a module that are no docstrings."""
    tree = ast.parse(file.read_text())
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.lineno, node.value


def test_sql_files_stand_in_their_two_folders():
    found = {file.parent.relative_to(SOURCE) for file in ROOT.glob("src/**/*.sql")}

    # columns.sql is generated: what migrations extract, for whoever writes one.
    assert found == {Path("storage/migrations"), Path("queries"), Path("conventions")}
    assert [file.name for file in (SOURCE / "conventions").glob("*.sql")] == ["columns.sql"]


def test_python_asks_the_tables_nothing():
    found = [
        f"{file.relative_to(SOURCE)}:{line} {text[:60]}"
        for file in SOURCE.rglob("*.py")
        if not str(file.relative_to(SOURCE)).startswith(tuple(NOT_ASKING_OUR_TABLES))
        for line, text in strings(file)
        if STATEMENT.match(text)
    ]

    assert found == []


def test_the_protocol_of_the_database_knows_none_of_our_tables():
    tables = {file.stem.partition("_")[2] for file in (SOURCE / "storage/migrations").glob("*.sql")}
    found = [
        f"{file.name}:{line} {text[:60]}"
        for file in (SOURCE / "clickhouse_http").rglob("*.py")
        for line, text in strings(file)
        if STATEMENT.match(text) and tables & set(re.findall(r"\w+", text))
    ]

    assert found == []


def test_attribute_event_and_metric_names_come_from_the_conventions():
    model = yaml.safe_load((SOURCE / "conventions" / "model.yaml").read_text())
    known = {item["id"] for part in ("attributes", "events", "metrics") for item in model[part]}
    generated = SOURCE / "conventions" / "names.py"
    found = [
        f"{file.relative_to(ROOT)}:{line} {text}"
        for file in FILES
        if file != generated
        for line, text in strings(file)
        if text in known or re.match(r"gen_ai\.\w", text) or _is_ours(text)
    ]

    assert found == []


def _is_ours(text: str) -> bool:
    """Whether a string is a name of ours, and not a module's or a file's."""
    if not re.fullmatch(r"exectrail(\.[a-z0-9_]+)+\.?", text) or text in FILE_NAMES:
        return False
    path = ROOT / "src" / text.replace(".", "/")
    return not (path.is_dir() or path.with_suffix(".py").exists())


def test_generated_files_are_up_to_date():
    done = subprocess.run(
        [sys.executable, "-m", "exectrail.conventions.generate", "--check"],
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
