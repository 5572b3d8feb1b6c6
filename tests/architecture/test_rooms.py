"""The rooms: who says what it is, how big it may be, and who may import whom."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "exectrail"
ADAPTERS = sorted((ROOT / "instrumentation").glob("*/src/exectrail_*"))
ROOMS = sorted(folder.parent for folder in SOURCE.glob("*/__init__.py"))
MODULES = [
    file
    for folder in (SOURCE, *ADAPTERS)
    for file in sorted(folder.rglob("*.py"))
    if file.name != "names.py"  # generated
]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]

WRITE = {
    *("api", "autoload", "endings", "execution", "export", "loading", "propagation", "runtime"),
    *("resources", "signals", "spool", "supervisor", "testing"),
}
READ = {
    *("cli", "clickhouse_http", "compose", "costing", "judge", "queries", "receiver", "retention"),
    *("check", "rollup", "storage"),
}
LEAVES = {"config", "conventions", "guard", "pricing"}
FRAME = {"launch", "__init__", "__main__"}
"""What is above both halves."""


def name(file: Path) -> str:
    return str(file.relative_to(ROOT))


@pytest.mark.parametrize("room", [*ROOMS, *ADAPTERS], ids=name)
def test_a_room_says_what_enters_what_leaves_and_what_it_may_import(room: Path):
    text = ast.get_docstring(ast.parse((room / "__init__.py").read_text())) or ""

    for words in ("Enters: ", "Leaves: ", "May import: "):
        assert words in text.replace("Leaves: ", "\nLeaves: "), f"{name(room)} lacks {words!r}"


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_a_module_is_small_enough_to_read_and_says_what_it_is(module: Path):
    text = module.read_text()

    assert len(text.splitlines()) <= 400
    assert ast.get_docstring(ast.parse(text)), f"{name(module)} has no docstring"


@pytest.mark.parametrize("folder", ADAPTERS, ids=name)
def test_an_adapter_has_the_three_files_and_their_packaging(folder: Path):
    assert {"__init__.py", "hooks.py", "translate.py"} <= {file.name for file in folder.iterdir()}
    package = folder.parents[1]
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    core = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == core["version"]
    assert project["dependencies"] == [f"exectrail=={core['version']}"]
    assert set(project["entry-points"]) == {"exectrail_adapter", "opentelemetry_instrumentor"}
    assert (package / "README.md").read_text().startswith(f"# {project['name']}")


PRESENT = {room.name for room in ROOMS} | {file.stem for file in SOURCE.glob("*.py")}


def test_every_room_belongs_to_one_half_or_is_a_leaf():
    assert set() == PRESENT - (WRITE | READ | LEAVES | FRAME)


def test_the_contracts_name_every_room():
    layers = [
        set(re.findall(r"exectrail\.(\w+)", " ".join(c.get("layers", ())))) for c in CONTRACTS
    ]
    forbidden = {
        c["name"]: (
            {module.removeprefix("exectrail.") for module in c["source_modules"]},
            {module.removeprefix("exectrail.") for module in c["forbidden_modules"]},
        )
        for c in CONTRACTS
        if c["type"] == "forbidden"
    }
    adapters = {folder.name for folder in ADAPTERS}

    assert layers[0] == WRITE | LEAVES | {"launch"}
    assert layers[1] == READ | LEAVES | {"launch"}
    sources, targets = forbidden["The write half never imports the read half, a driver or a server"]
    assert sources == (WRITE | LEAVES | adapters) & (PRESENT | adapters)
    assert targets >= READ & PRESENT
    sources, targets = forbidden["The read half never imports the write half"]
    assert sources == READ & PRESENT
    assert targets == WRITE & PRESENT | adapters | {"launch"}


PLANTED = {
    "exectrail/signals/planted.py": "import exectrail.runtime",
    "exectrail/storage/planted.py": "import exectrail.queries",
    "exectrail/export/planted.py": "def late():\n    import clickhouse_connect",
    "exectrail/judge/planted.py": "from exectrail import execution",
    "exectrail/pricing/planted.py": "import opentelemetry.trace",
    "exectrail_langgraph/planted.py": "from exectrail.signals import recorder",
    "exectrail/queries/planted.py": "import exectrail.config",
}
"""One violation of each contract, in their order."""


def test_each_contract_breaks_where_it_is_violated(tmp_path: Path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for folder in (SOURCE, *ADAPTERS):
        shutil.copytree(folder, tmp_path / folder.name)
    for file, text in PLANTED.items():
        (tmp_path / file).write_text(f'"""Planted."""\n\n{text}\n')

    # Its own command, since import-linter finds packages from the working directory.
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert f"Contracts: 0 kept, {len(CONTRACTS)} broken." in done.stdout, done.stdout
    for file in PLANTED:
        assert f"{file.removesuffix('.py').replace('/', '.')} -> " in done.stdout
