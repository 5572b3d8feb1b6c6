import sys
import threading
from importlib.metadata import EntryPoint, EntryPoints
from typing import ClassVar

import pytest

from exectrail import runtime
from exectrail.autoload import discovery, instrument, uninstrument
from exectrail.autoload.adapter import Adapter
from exectrail.autoload.discovery import Fit
from exectrail.autoload.imports import watch
from exectrail.config import Config

log: list[str] = []


class Recorded(Adapter):
    name = "recorded"
    supports: ClassVar[tuple[str, ...]] = ("wrapt",)
    module = "colorsys"

    def install(self) -> None:
        log.append(f"install {self.name}")

    def uninstall(self) -> None:
        log.append(f"uninstall {self.name}")


class TooNew(Recorded):
    name = "too_new"
    supports = ("wrapt<1",)


class Raising(Recorded):
    name = "raising"

    def install(self) -> None:
        raise RuntimeError("ours")


class NoAdapter:
    pass


ENTRIES = {
    "recorded": "Recorded",
    "too_new": "TooNew",
    "raising": "Raising",
    "no_adapter": "NoAdapter",
    "gone": "Gone",
}


@pytest.fixture(autouse=True)
def _adapters(monkeypatch: pytest.MonkeyPatch):
    """The adapters above as the installed ones, their framework not imported yet."""
    entries = [
        EntryPoint(name, f"{__name__}:{value}", discovery.GROUP) for name, value in ENTRIES.items()
    ]
    monkeypatch.setitem(sys.modules, __name__, sys.modules[Recorded.__module__])
    monkeypatch.setattr(discovery, "entry_points", lambda group: EntryPoints(entries))
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    log.clear()
    yield
    uninstrument()
    watch.forget()


def import_framework() -> None:
    __import__("colorsys")


def installs() -> list[str]:
    return [line for line in log if "raising" not in line]


def test_the_framework_is_hooked_when_the_program_imports_it():
    assert instrument() == ("raising", "recorded", "too_new")
    assert log == []

    import_framework()

    assert installs() == ["install recorded"]
    assert Recorded.installed
    assert not TooNew.installed
    assert not Raising.installed


def test_a_framework_that_is_imported_already_is_hooked_at_once():
    import_framework()
    instrument()

    assert installs() == ["install recorded"]


def test_hooks_that_failed_half_way_are_taken_out_again():
    instrument()
    import_framework()

    assert sorted(log) == ["install recorded", "uninstall raising"]
    assert not Raising.installed


def test_switching_on_twice_hooks_once():
    instrument()
    instrument()
    import_framework()
    instrument()

    assert installs() == ["install recorded"]


def test_switching_off_takes_the_hooks_out_and_on_again_puts_them_back():
    instrument()
    import_framework()
    uninstrument()
    instrument()

    assert installs() == ["install recorded", "uninstall recorded", "install recorded"]


def test_switching_off_before_the_framework_is_imported_leaves_it_alone():
    instrument()
    uninstrument()
    import_framework()

    assert log == []


@pytest.mark.parametrize("variable", ["EXECTRAIL_DISABLED", "OTEL_SDK_DISABLED"])
def test_disabled_does_nothing(monkeypatch: pytest.MonkeyPatch, variable: str):
    monkeypatch.setenv(variable, "true")

    assert instrument() == ()
    import_framework()

    assert log == []


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("EXECTRAIL_ADAPTERS", "recorded", ("recorded",)),
        ("EXECTRAIL_ADAPTERS", "none_of_these", ()),
        ("EXECTRAIL_DISABLED_ADAPTERS", "raising, too_new", ("recorded",)),
    ],
)
def test_the_settings_choose_the_adapters(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: tuple[str, ...]
):
    monkeypatch.setenv(variable, value)

    assert instrument() == expected


def test_each_adapter_is_described_without_importing_its_framework():
    found = discovery.describe(Config(disabled_adapters=("recorded",)))

    assert [(item.name, item.fit) for item in found] == [
        ("gone", Fit.BROKEN),
        ("no_adapter", Fit.BROKEN),
        ("raising", Fit.READY),
        ("recorded", Fit.DISABLED),
        ("too_new", Fit.UNSUPPORTED),
    ]
    assert "colorsys" not in sys.modules


# -- as opentelemetry-instrument calls it -------------------------------------------------------


@pytest.fixture
def armed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object] | None]:
    """With what the runtime is armed."""
    calls: list[dict[str, object] | None] = []

    def arm(_config: Config | None = None, *, providers: dict[str, object] | None = None) -> bool:
        calls.append(providers)
        return True

    monkeypatch.setattr(runtime, "arm", arm)
    return calls


def test_an_instrumentor_reports_to_the_providers_it_is_given(
    armed: list[dict[str, object] | None],
):
    tracers, loggers = object(), object()
    Recorded().instrument(tracer_provider=tracers, logger_provider=loggers, skip_dep_check=True)
    import_framework()

    assert armed == [{"tracer_provider": tracers, "logger_provider": loggers}]
    assert installs() == ["install recorded"]


def test_an_instrumentor_reports_to_the_global_providers(
    armed: list[dict[str, object] | None], monkeypatch: pytest.MonkeyPatch
):
    from opentelemetry import _logs, trace

    tracers, loggers = object(), object()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: tracers)
    monkeypatch.setattr(_logs, "get_logger_provider", lambda: loggers)
    Recorded().instrument()

    assert armed == [{"tracer_provider": tracers, "logger_provider": loggers}]


def test_without_any_provider_set_up_an_instrumentor_reports_to_our_own(
    armed: list[dict[str, object] | None],
):
    Recorded().instrument()

    assert armed == [None]


def test_an_instrumentor_that_is_taken_back_does_not_hook(
    armed: list[dict[str, object] | None],
):
    Recorded().instrument()
    Recorded().uninstrument()
    import_framework()

    assert log == []


def test_threads_are_put_back_when_the_last_one_who_wanted_them_is_gone() -> None:
    before = vars(threading.Thread)["_bootstrap"]
    instrument()
    Recorded().instrument()
    Recorded().uninstrument()
    assert vars(threading.Thread)["_bootstrap"] is not before
    uninstrument()
    assert vars(threading.Thread)["_bootstrap"] is before
    Recorded().instrument()
    assert vars(threading.Thread)["_bootstrap"] is not before
    Recorded().uninstrument()
    assert vars(threading.Thread)["_bootstrap"] is before
