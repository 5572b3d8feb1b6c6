"""What reaches the terminal: colour only where it belongs, and only what can be encoded."""

from __future__ import annotations

import io
import json

import pytest
from rich.text import Text

from exectrail.cli.screen import tell, view, write, write_json


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def ordinary(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "")


def test_a_terminal_gets_colour_and_a_pipe_gets_none() -> None:
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        write([Text("failed", "red"), Text("[b]as it is[/b] :smile:")], stream)

    assert terminal.getvalue() == "\x1b[31mfailed\x1b[0m\n[b]as it is[/b] :smile:\n"
    assert pipe.getvalue() == "failed\n[b]as it is[/b] :smile:\n"


def test_no_color_and_a_dumb_terminal_get_no_escape_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with monkeypatch.context() as changed:
            changed.setenv(name, value)
            terminal = Terminal()
            write([Text("abandoned", "bold red")], terminal)
            assert terminal.getvalue() == "abandoned\n"


def test_lines_are_neither_wrapped_nor_cut_on_the_way_out() -> None:
    pipe = io.StringIO()
    write([Text("x y " * 5000)], pipe)

    assert pipe.getvalue() == "x y " * 5000 + "\n"


def test_an_encoding_without_our_signs_gets_others_of_the_same_width() -> None:
    raw = io.BytesIO()
    latin = io.TextIOWrapper(raw, encoding="ascii")
    write([Text("│  ├─ nächster Schritt… · x")], latin)
    latin.flush()

    assert raw.getvalue() == b"|  |- n?chster Schritt~ - x\n"


def test_columns_win_over_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "73")
    assert view().width == 73


def test_a_document_is_one_line_break_ended_json_in_ascii(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_json({"name": "東京\x1b"})

    text = capsys.readouterr().out
    assert text == '{\n  "name": "\\u6771\\u4eac\\u001b"\n}\n'
    assert json.loads(text) == {"name": "東京\x1b"}


def test_what_goes_wrong_is_told_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    tell("nothing there.\n  try this")

    assert capsys.readouterr() == ("", "exectrail: nothing there.\n  try this\n")
