"""The command line of the stack, as far as it does not start one."""

from __future__ import annotations

import argparse

import pytest

from exectrail.receiver.commands import register


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="exectrail")
    register(made.add_subparsers(required=True))
    return made


@pytest.mark.parametrize("command", ["up", "down", "status"])
def test_help_has_examples(parser, capsys, command: str):
    with pytest.raises(SystemExit) as ended:
        parser.parse_args([command, "--help"])

    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"examples:\n  exectrail {command}" in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("port", ["-1", "65536", "http", "1.5", "٣"])
def test_what_is_no_port_is_a_wrong_call(parser, capsys, port: str):
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["up", f"--otlp-port={port}"])

    assert ended.value.code == 2
    assert "is not a port" in capsys.readouterr().err
