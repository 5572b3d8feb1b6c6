import os
import signal
import subprocess
import sys

import pytest

from exectrail.supervisor.endings import UNKNOWN, Ending, of_status, of_stranger

LINUX = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfd")


def test_an_ending_in_the_words_of_a_shell():
    assert [Ending(code=3).shell_code, Ending(killed_by=9).shell_code] == [3, 137]
    assert [Ending(code=3).signal_name, Ending(killed_by=9).signal_name] == ["", "SIGKILL"]
    assert (Ending(code=0).known, Ending(killed_by=9).known, UNKNOWN.known) == (True, True, False)


@pytest.mark.skipif(not hasattr(signal, "SIGRTMIN"), reason="no real-time signals")
def test_a_real_time_signal_has_a_name():
    assert Ending(killed_by=signal.SIGRTMIN).signal_name == "SIGRTMIN"
    assert Ending(killed_by=signal.SIGRTMIN + 3).signal_name == "SIGRTMIN+3"


def test_the_status_word_of_the_kernel():
    assert of_status(3 << 8) == Ending(code=3)
    assert of_status(9) == Ending(killed_by=9)
    assert of_status(11 | 0x80) == Ending(killed_by=11)  # with a core dump


@LINUX
@pytest.mark.parametrize(
    ("code", "expected"),
    [("exit 0", Ending(code=0)), ("exit 7", Ending(code=7)), ("kill -9 $$", Ending(killed_by=9))],
)
def test_how_a_process_ended_that_nobody_has_reaped(code: str, expected: Ending):
    with subprocess.Popen(["sh", "-c", code]) as process:
        pidfd = os.pidfd_open(process.pid)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

        assert of_stranger(process.pid, pidfd) == expected
    os.close(pidfd)


@LINUX
def test_how_a_process_ended_that_was_reaped_is_known_where_the_kernel_tells():
    with subprocess.Popen(["sh", "-c", "exit 7"]) as process:
        pidfd = os.pidfd_open(process.pid)
        process.wait()

        tells = tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 15)
        assert of_stranger(process.pid, pidfd) == (Ending(code=7) if tells else UNKNOWN)
    os.close(pidfd)


@LINUX
def test_the_id_of_a_process_that_is_another_by_now_is_not_believed():
    with subprocess.Popen(["sh", "-c", "exit 7"]) as process:
        ours = os.pidfd_open(os.getpid())
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

        assert of_stranger(process.pid, ours) == UNKNOWN
    os.close(ours)
    assert sys.platform == "linux"
