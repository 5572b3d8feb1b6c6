import importlib
import importlib.util
import inspect
import json
import sys
from pathlib import Path

import pytest

from exectrail.autoload.imports import ImportWatch

SOURCE = "import sys\nloader_while_running = __loader__\nready = True\n"


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A watch, and the modules `watched_framework` and `watched_framework.inner` to import."""
    package = tmp_path / "watched_framework"
    package.mkdir()
    (package / "__init__.py").write_text(SOURCE)
    (package / "inner.py").write_text(SOURCE)
    (tmp_path / "broken_framework.py").write_text("raise RuntimeError('theirs')\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = list(sys.meta_path)
    made = ImportWatch()
    yield made
    made.forget()
    assert sys.meta_path == before
    for name in [name for name in sys.modules if "watched_framework" in name]:
        del sys.modules[name]


def test_the_call_comes_once_after_the_module_has_run(watch: ImportWatch):
    calls: list[bool] = []
    watch.when_imported(
        "watched_framework", lambda: calls.append(sys.modules["watched_framework"].ready)
    )
    assert calls == []

    module = importlib.import_module("watched_framework")
    importlib.reload(module)

    assert calls == [True]


def test_a_submodule_calls_when_it_is_imported_and_not_with_its_package(watch: ImportWatch):
    calls: list[str] = []
    watch.when_imported("watched_framework.inner", lambda: calls.append("inner"))

    importlib.import_module("watched_framework")
    assert calls == []
    importlib.import_module("watched_framework.inner")
    assert calls == ["inner"]


def test_a_module_that_is_imported_already_calls_at_once(watch: ImportWatch):
    calls: list[str] = []
    watch.when_imported("json", lambda: calls.append(json.__name__))

    assert calls == ["json"]


def test_the_module_sees_the_loader_it_would_have_without_the_watch(watch: ImportWatch):
    watch.when_imported("watched_framework", lambda: None)

    module = importlib.import_module("watched_framework")

    assert type(module.__loader__).__name__ == "SourceFileLoader"
    assert module.loader_while_running is module.__loader__ is module.__spec__.loader
    assert inspect.getsource(module) == SOURCE


def test_a_module_that_fails_to_import_fails_as_without_the_watch(watch: ImportWatch):
    calls: list[str] = []
    watch.when_imported("broken_framework", lambda: calls.append("never"))

    with pytest.raises(RuntimeError, match="theirs"):
        importlib.import_module("broken_framework")

    assert calls == []
    assert "broken_framework" not in sys.modules


def test_a_module_that_is_not_there_is_not_found(watch: ImportWatch):
    watch.when_imported("no_such_framework", lambda: None)

    assert importlib.util.find_spec("no_such_framework") is None
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("no_such_framework")


def test_looking_a_module_up_does_not_count_as_importing_it(watch: ImportWatch):
    calls: list[str] = []
    watch.when_imported("watched_framework", lambda: calls.append("imported"))

    assert importlib.util.find_spec("watched_framework") is not None
    assert calls == []
    importlib.import_module("watched_framework")
    assert calls == ["imported"]


def test_the_first_foreign_import_is_told_before_it_happens_and_the_library_is_not(
    watch: ImportWatch,
):
    calls: list[bool] = []
    watch.at_first_foreign_import(lambda: calls.append("watched_framework" in sys.modules))

    sys.modules.pop("colorsys", None)
    importlib.import_module("colorsys")
    assert calls == []
    importlib.import_module("watched_framework")
    importlib.import_module("watched_framework.inner")
    assert calls == [False]


@pytest.mark.parametrize("name", ["org.python.core", "java.lang", "vms_lib", "_winreg"])
def test_what_the_library_tries_on_other_systems_is_not_foreign(watch: ImportWatch, name: str):
    calls: list[str] = []
    watch.at_first_foreign_import(lambda: calls.append(name))
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(name)
    assert calls == []


def test_what_is_watched_at_the_first_foreign_import_holds_for_that_import(watch: ImportWatch):
    calls: list[str] = []
    watch.at_first_foreign_import(
        lambda: watch.when_imported("watched_framework", lambda: calls.append("imported"))
    )

    importlib.import_module("watched_framework")

    assert calls == ["imported"]


def test_two_watches_that_ask_each_other_both_call(watch: ImportWatch):
    """As wrapt's import hooks do, which look a module up through the whole import system."""
    import wrapt

    calls: list[str] = []
    watch.when_imported("watched_framework", lambda: calls.append("ours"))
    wrapt.register_post_import_hook(lambda _module: calls.append("theirs"), "watched_framework")
    try:
        importlib.import_module("watched_framework")
    finally:
        sys.meta_path[:] = [
            finder for finder in sys.meta_path if type(finder).__module__ != "wrapt.importer"
        ]

    assert sorted(calls) == ["ours", "theirs"]
