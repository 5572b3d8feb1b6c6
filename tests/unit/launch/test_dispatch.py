import os
import subprocess
import sys

import pytest

from exectrail.launch import commands, dispatch, extras, main
from exectrail.launch.commands import COMMANDS, Command


def test_the_help_lists_every_command_with_one_line(capsys: pytest.CaptureFixture[str]):
    assert main(["--help"]) == 0

    shown = capsys.readouterr().out
    for command in COMMANDS.values():
        assert f"  {command.name:<10} {command.summary}\n" in shown
    assert max(len(line) for line in shown.splitlines()) <= 100


def test_no_command_at_all_shows_the_help_and_fails(capsys: pytest.CaptureFixture[str]):
    assert main([]) == 2
    assert capsys.readouterr().out.startswith("usage: exectrail COMMAND")


def test_an_unknown_command_suggests_a_near_one(capsys: pytest.CaptureFixture[str]):
    assert main(["dcotor"]) == 2
    assert capsys.readouterr().err == "exectrail: no command 'dcotor'; did you mean doctor?\n"


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("exectrail 0.")


def test_a_command_whose_extra_is_missing_says_which(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    command = Command("runs", "", "no_such_driver.commands", "cli")
    monkeypatch.setitem(commands.COMMANDS, "runs", command)
    monkeypatch.setattr(extras, "extras", lambda: {"cli": ["no-such-driver", "rich"]})

    assert main(["runs"]) == 2
    assert capsys.readouterr().err == (
        'exectrail runs needs the extra cli (no-such-driver, rich): pip install "exectrail[cli]"\n'
    )


def test_a_module_that_is_missing_in_a_complete_installation_is_no_missing_extra(
    monkeypatch: pytest.MonkeyPatch,
):
    command = Command("runs", "", "exectrail.no_such_room", "cli")
    monkeypatch.setitem(commands.COMMANDS, "runs", command)
    monkeypatch.setattr(extras, "extras", lambda: {"cli": []})

    with pytest.raises(ModuleNotFoundError):
        main(["runs"])


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]])
def test_help_and_run_import_nothing_that_they_do_not_need(arguments: list[str]):
    code = (
        "import sys; from exectrail.launch import main; main(sys.argv[1:]); "
        "print(sorted(n for n in sys.modules if n.startswith(('exectrail', 'opentelemetry'))), "
        "file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )

    expected = {"exectrail", "exectrail.launch"}
    expected |= {"exectrail.launch.dispatch", "exectrail.launch.commands"}
    if arguments[0] == "run":  # the program waits for what is loaded here
        expected |= {"exectrail.launch.run", "exectrail.conventions", "exectrail.conventions.ids"}
        supervisor = ("", ".endings", ".programs", ".run", ".standby")
        expected |= {f"exectrail.supervisor{module}" for module in supervisor}
    assert done.stderr == f"{sorted(expected)}\n"


def test_a_reader_that_stops_reading_ends_a_command_quietly():
    read, write = os.pipe()
    os.close(read)
    code = "import sys; from exectrail.launch import main; sys.exit(main(['bootstrap']))"
    done = subprocess.run([sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE)
    os.close(write)

    assert (done.returncode, done.stderr) == (128 + 13, b"")


def test_an_interrupted_command_ends_as_a_shell_expects(monkeypatch: pytest.MonkeyPatch):
    def interrupted(_command: Command, _words: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(dispatch, "_call", interrupted)

    assert main(["doctor"]) == 130
