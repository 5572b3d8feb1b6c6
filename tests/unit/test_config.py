"""Settings: where they come from, and that wrong ones never stop the program."""

from __future__ import annotations

import logging
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from exectrail.config import Config, load


def loaded(tmp_path: Path, text: str = "", **environment: str) -> Config:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    return load({f"EXECTRAIL_{name.upper()}": value for name, value in environment.items()}, file)


def test_defaults() -> None:
    config = load({})
    assert config == Config()
    assert (config.disabled, config.lease, config.errors, config.error_limit) == (
        False,
        45.0,
        "full",
        1024,
    )
    assert (config.capture_content, config.prices, config.adapters) == (False, "", ())
    with pytest.raises(FrozenInstanceError):
        config.lease = 1.0  # pyright: ignore[reportAttributeAccessIssue]


def test_every_setting_is_read_from_the_environment(tmp_path: Path) -> None:
    given = {
        "disabled": ("true", True),
        "lease": ("12.5", 12.5),
        "errors": ("type", "type"),
        "error_limit": ("80", 80),
        "logs": ("yes", True),
        "capture_content": ("1", True),
        "prices": ("prices.toml", "prices.toml"),
        "resources": ("All", "all"),
        "adapters": ("langgraph, crewai,,", ("langgraph", "crewai")),
        "disabled_adapters": ("crewai", ("crewai",)),
        "propagation": ("false", False),
        "clickhouse_url": ("http://h:1", "http://h:1"),
        "stuck_after": ("600", 600.0),
        "path": ("/data", "/data"),
    }
    assert set(given) == {field.name for field in fields(Config)}
    for name, (text, value) in given.items():
        assert getattr(loaded(tmp_path, **{name: text}), name) == value


def test_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    text = """
        lease = 30
        errors = "type"
        capture_content = true
        adapters = ["langgraph"]
        unknown = "is nobody's"
        [table]
        lease = 1
    """
    config = loaded(tmp_path, text, lease="20", prices="")
    assert config == Config(
        lease=20.0, errors="type", capture_content=True, adapters=("langgraph",)
    )


@pytest.mark.parametrize("word", ["1", "true", "TRUE", " yes ", "On"])
def test_words_that_switch_on(tmp_path: Path, word: str) -> None:
    assert loaded(tmp_path, disabled=word).disabled


@pytest.mark.parametrize("word", ["0", "false", "no", "off", "2", "yess"])
def test_words_that_do_not(tmp_path: Path, word: str) -> None:
    assert not loaded(tmp_path, disabled=word).disabled


def test_opentelemetrys_own_switch_switches_off_too() -> None:
    assert load({"OTEL_SDK_DISABLED": " True "}).disabled
    assert not load({"OTEL_SDK_DISABLED": "1"}).disabled  # as OpenTelemetry reads it
    assert load({"OTEL_SDK_DISABLED": "false", "EXECTRAIL_DISABLED": "true"}).disabled


@pytest.mark.parametrize(
    ("setting", "text", "holds"),
    [
        ("lease", "soon", 45.0),
        ("lease", "0", 45.0),
        ("lease", "-3", 45.0),
        ("lease", "nan", 45.0),
        ("lease", "inf", 45.0),
        ("lease", "1e9", 45.0),
        ("error_limit", "many", 1024),
        ("error_limit", "-1", 1024),
        ("error_limit", "1.5", 1024),
        ("resources", "some", "roots"),
        ("errors", "types", "type"),  # a slip must not keep what was to be dropped
    ],
)
def test_wrong_values_are_said_and_do_not_hold(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, setting: str, text: str, holds: object
) -> None:
    assert getattr(loaded(tmp_path, **{setting: text}), setting) == holds
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert f"setting {setting} " in record.getMessage()


def test_errors_may_be_written_in_any_case(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert loaded(tmp_path, errors=" Type").errors == "type"
    assert loaded(tmp_path, errors="FULL").errors == "full"
    assert caplog.records == []


@pytest.mark.parametrize(
    "text", ["adapters = [1, 2]", "adapters = 5", "lease = [1]", 'lease = "x"', "prices = {}"]
)
def test_wrong_types_in_the_file_are_passed_over(tmp_path: Path, text: str) -> None:
    config = loaded(tmp_path, text)
    assert (config.adapters, config.lease) == ((), 45.0)


@pytest.mark.parametrize(
    "content", [b"lease = ", b"\xff\xfe", b"a = " + b"[" * 5000], ids=["toml", "utf-8", "depth"]
)
def test_file_that_cannot_be_read_is_said_and_ignored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    file = tmp_path / "exectrail.toml"
    file.write_bytes(content)
    assert load({}, file) == Config()
    [record] = caplog.records
    assert "exectrail.toml cannot be read" in record.getMessage()


def test_directory_in_place_of_the_file_is_ignored(tmp_path: Path) -> None:
    assert load({}, tmp_path) == Config()


def test_file_is_looked_for_where_it_is_named_else_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load({}) == Config()
    assert caplog.records == []  # nobody asked for one
    (tmp_path / "exectrail.toml").write_text("lease = 10")
    (tmp_path / "other.toml").write_text("lease = 20")
    assert load({}).lease == 10
    assert load({"EXECTRAIL_CONFIG": "other.toml"}).lease == 20
    assert load({"EXECTRAIL_CONFIG": "missing.toml"}) == Config()
    [record] = caplog.records
    assert "missing.toml cannot be read (FileNotFoundError)" in record.getMessage()


def test_process_environment_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXECTRAIL_LEASE", "7")
    assert load().lease == 7
