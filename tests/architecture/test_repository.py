"""What may stand in the repository, and whether what it says of itself is true."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from exectrail.launch.commands import COMMANDS

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    files = (ROOT / name for name in done.stdout.decode().split("\0") if name)
    return [file for file in files if file.is_file()]


# Written so that this file does not hold what it looks for.
NOT_HERE = {
    "the address of a package index": r"py[p]i\.org|python[h]osted|[-]-(extra-)?index-url|"
    r"[-]-find-links|(INDEX_URL|FIND_LINKS)\s*=",
    "a path of somebody's machine": r"(?<![\w.:/])/"
    r"(?:r[o]ot|w[o]rk|opt/wheel[s]|(home|Users)/(?!bob|alice|user|me\b)\w+)/",
}


@pytest.mark.parametrize("pattern", NOT_HERE.values(), ids=NOT_HERE)
def test_the_repository_holds_nothing_of_a_place(pattern: str):
    found = [
        f"{file.relative_to(ROOT)}: {match.group()}"
        for file in tracked()
        if (match := re.search(pattern, file.read_bytes().decode(errors="ignore")))
    ]

    assert found == []


def named(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!~; ]", line)[0] for line in requirements} - {"exectrail"}


def test_every_dependency_has_its_reason_in_the_docs():
    text = (ROOT / "docs" / "dependencies.md").read_text()
    sections = {
        title: set(re.findall(r"^\| `([\w.-]+)`", body, re.MULTILINE))
        for title, body in re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.M)
    }
    extras = PROJECT["optional-dependencies"]
    development = [
        line
        for file in (ROOT / "requirements").glob("*.in")
        for line in file.read_text().splitlines()
        if line and not line.startswith(("#", "-"))
    ]

    assert sections.pop("Base install") == named(PROJECT["dependencies"])
    assert sections.pop("Development") == named(development)
    assert sections == {
        f"Extra `{extra}`": requirements
        for extra in extras
        if (requirements := {n for n in named(extras[extra]) if not n.startswith("exectrail-")})
    }


def code(text: str) -> str:
    """The fenced blocks of a page that are for a shell."""
    return "\n".join(re.findall(r"```(?:console|bash|sh|shell)\n(.*?)```", text, re.DOTALL))


PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("instrumentation/*/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_exist(page: Path):
    shell = code(page.read_text())
    targets = set(re.findall(r"^([a-z0-9]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    start = r"(?:^|[|;&] *|\$ )(?:[A-Z_]+=\S+ )*"

    assert set(re.findall(start + r"make ([a-z0-9]+)", shell, re.MULTILINE)) <= targets
    assert set(re.findall(start + r"exectrail ([a-z]+)", shell, re.MULTILINE)) <= set(COMMANDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_links_of_a_page_lead_to_files(page: Path):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_command_is_documented():
    pages = "".join(
        (ROOT / "docs" / name).read_text() for name in ("cli.md", "emit.md", "zero-code.md")
    )

    assert [name for name in COMMANDS if f"exectrail {name}" not in pages] == []


def test_every_setting_is_documented():
    from exectrail.config import Config

    page = (ROOT / "docs" / "zero-code.md").read_text()
    variables = {f"EXECTRAIL_{field.upper()}" for field in Config.__dataclass_fields__}

    assert {name for name in variables if f"`{name}`" not in page} == set()


def test_the_checks_before_a_commit_are_those_of_the_build():
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()

    assert set(re.findall(r"repo: (\S+)", hooks)) == {"local"}
    assert set(re.findall(r"entry: make (\w+)", hooks)) == {"lint"}
