import os
from pathlib import Path

import pytest

from exectrail.launch.run import STARTUP, main, observed


def test_the_folder_of_our_sitecustomize_comes_first_on_the_path():
    assert observed({"HOME": "/h"}) == {"HOME": "/h", "PYTHONPATH": STARTUP}
    assert observed({"PYTHONPATH": f"a{os.pathsep}{os.pathsep}b"})["PYTHONPATH"].split(
        os.pathsep
    ) == [STARTUP, "a", "", "b"]
    assert Path(STARTUP, "sitecustomize.py").is_file()


def test_an_empty_path_stays_without_the_working_directory():
    assert observed({"PYTHONPATH": ""})["PYTHONPATH"] == STARTUP


def test_observed_twice_is_observed_once():
    once = observed({"PYTHONPATH": "a"})

    assert observed(once) == once


@pytest.mark.parametrize("arguments", [[], ["--"], ["--no-such-option", "python"]])
def test_a_call_without_a_program_fails(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    assert main(arguments) == 2
    assert "exectrail run" in capsys.readouterr().err
