"""A raise in each part of switching on leaves the program's imports as they are."""

import importlib
import sys

import pytest

from exectrail import autoload, runtime
from exectrail.autoload import adopt, hooking, instrument, uninstrument
from exectrail.autoload.adapter import Adapter
from exectrail.autoload.imports import watch

PARTS = {
    "settings": "exectrail.config.load",
    "entry points": "exectrail.autoload.discovery.entry_points",
    "loading": "exectrail.autoload.discovery.load",
    "activation": "exectrail.autoload.discovery.activate",
    "watching": "exectrail.autoload.imports.ImportWatch.when_imported",
    "arming": "exectrail.runtime.arm",
}


@pytest.fixture(params=PARTS.values(), ids=PARTS)
def _fault(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    def fail(*_args: object, **_options: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(request.param, fail)
    yield
    monkeypatch.undo()
    uninstrument()
    watch.forget()


@pytest.mark.usefixtures("_fault")
def test_switching_on_by_hand_raises_nothing():
    assert isinstance(instrument(), tuple)


@pytest.mark.usefixtures("_fault")
def test_the_first_foreign_import_raises_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "wrapt.weakrefs", raising=False)
    autoload.instrument_when_needed()

    assert importlib.import_module("wrapt.weakrefs").__name__ == "wrapt.weakrefs"


def test_an_adapter_that_fails_at_its_framework_leaves_the_import_alone(
    monkeypatch: pytest.MonkeyPatch,
):
    def fail(_requirements: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(hooking, "check", fail)
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)

    class Hooked(Adapter):
        name = "hooked"
        supports = ()
        module = "colorsys"

    try:
        hooking.hook_when_imported(Hooked)
        assert importlib.import_module("colorsys").__name__ == "colorsys"
        assert not Hooked.installed
    finally:
        watch.forget()


def test_an_instrumentor_under_opentelemetry_raises_nothing(monkeypatch: pytest.MonkeyPatch):
    def fail(*_args: object) -> None:
        raise RuntimeError("ours")

    class Hooked(Adapter):
        name = "hooked_too"
        supports = ()
        module = "colorsys"

    monkeypatch.setattr(adopt, "use_providers", fail)
    Hooked().instrument()

    assert not Hooked.installed
    runtime.shutdown()
