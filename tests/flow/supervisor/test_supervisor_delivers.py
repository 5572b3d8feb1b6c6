"""What a supervisor delivers, to whatever receiver, and how it runs without a spool."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from exectrail.conventions import names
from exectrail.spool import Destination, folders, ship_leftovers
from exectrail.supervisor.delivery import SLOW_S
from exectrail.testing.sink import Answer

from .bench import Bench, how
from .supervised import PYTHON, RUN, line, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="signals and process groups of POSIX"),
]


def test_what_a_program_says_arrives_while_it_runs(bench: Bench):
    process = bench.run("work()")
    pid = int(line(process))
    bench.sink.wait_for(lambda: bool(bench.logs(names.EVENT_EXECUTION_STATE_CHANGED)))

    assert process.poll() is None
    assert bench.logs(names.EVENT_WORKER_STARTED, pid)


@pytest.mark.parametrize("answer", [Answer.UNAVAILABLE, Answer.GARBAGE, Answer.DROP])
def test_a_receiver_that_fails_does_not_keep_the_program_and_loses_nothing(
    bench: Bench, answer: Answer
):
    bench.sink.answer = answer
    process = bench.run("with exectrail.workflow('w'): print(1, flush=True); time.sleep(1)")
    line(process)
    began = time.monotonic()
    process.communicate(timeout=30)

    assert time.monotonic() - began < 1 + SLOW_S, "it was waited for as one that is slow"
    assert process.returncode == 0
    assert len(folders(bench.root)) == 2
    bench.sink.answer = Answer.OK
    done = list(ship_leftovers(bench.root, Destination.from_environment(bench.environment)))
    assert [leftover.removed for leftover in done] == [True, True]
    assert bench.exited() == [how(0)]


def test_a_receiver_that_is_not_there_does_not_keep_the_program(bench: Bench):
    process = bench.run(
        "with exectrail.workflow('w'): pass", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1"
    )
    began = time.monotonic()
    process.communicate(timeout=30)

    assert process.returncode == 0
    assert time.monotonic() - began < SLOW_S
    assert len(folders(bench.root)) == 2


def test_a_receiver_that_never_answers_keeps_the_program_for_eight_seconds_at_most(bench: Bench):
    bench.sink.answer = Answer.HANG
    process = bench.run("with exectrail.workflow('w'): print(1, flush=True)")
    line(process)
    began = time.monotonic()
    process.communicate(timeout=30)

    assert process.returncode == 0
    assert time.monotonic() - began < 2 * SLOW_S


def test_the_next_run_delivers_what_one_left(bench: Bench):
    bench.sink.answer = Answer.UNAVAILABLE
    bench.run("with exectrail.workflow('first'): pass").communicate(timeout=30)
    assert len(folders(bench.root)) == 2
    bench.sink.answer = Answer.OK
    bench.run("with exectrail.workflow('second'): pass").communicate(timeout=30)

    assert folders(bench.root) == []
    assert {
        log.attributes[names.EXECUTION_NAME]
        for log in bench.logs(names.EVENT_EXECUTION_STATE_CHANGED)
    } == {"first", "second"}


def test_when_the_supervisor_is_killed_the_program_delivers_for_itself(bench: Bench):
    process = bench.run(
        "with exectrail.workflow('w'):\n"
        "    print(os.getpid(), flush=True)\n"
        "    while not os.path.exists('go'): time.sleep(0.02)\n"
        "while not os.path.exists('end'): time.sleep(0.02)\n"
    )
    pid = int(line(process))
    bench.sink.wait_for(lambda: bool(bench.logs(names.EVENT_WORKER_STARTED, pid)))
    process.kill()
    process.wait(10)
    (bench.directory / "go").touch()

    states = lambda: {  # noqa: E731  delivered twice, where its receipt was not noted any more
        log.attributes[names.EXECUTION_SEQUENCE]: log.attributes[names.EXECUTION_STATE]
        for log in bench.logs(names.EVENT_EXECUTION_STATE_CHANGED)
    }
    bench.sink.wait_for(lambda: states() == {1: "running", 2: "completed"})
    (bench.directory / "end").touch()
    assert until(lambda: pid not in [folder.about().get("pid") for folder in folders(bench.root)])


def test_without_a_spool_the_program_runs_and_that_is_said_once(bench: Bench):
    process = bench.start(*RUN, PYTHON, "-c", "print('done')", EXECTRAIL_SPOOL="off")
    out, err = process.communicate(timeout=20)

    assert (process.returncode, out) == (0, "done\n")
    assert err.count("\n") == 1
    assert err.startswith("exectrail run: EXECTRAIL_SPOOL is off")


def test_where_there_can_be_no_spool_the_program_runs_and_that_is_said_once(bench: Bench):
    (bench.directory / "file").touch()
    place = str(bench.directory / "file" / "spool")
    process = bench.start(*RUN, PYTHON, "-c", "print('done')", EXECTRAIL_SPOOL=place)
    out, err = process.communicate(timeout=20)

    assert (process.returncode, out) == (0, "done\n")
    assert err.count("\n") == 1
    assert err.startswith(f"exectrail run: there can be no spool in {place} (Not a directory)")


@pytest.mark.parametrize("variable", ["EXECTRAIL_DISABLED", "OTEL_SDK_DISABLED"])
def test_disabled_there_is_no_supervisor(bench: Bench, variable: str):
    words = ["sh", "-c", "echo $$ ${EXECTRAIL_SUPERVISOR-none}"]
    process = bench.start(*RUN, *words, **{variable: "true"})

    assert process.communicate(timeout=20) == (f"{process.pid} none\n", "")


def test_the_supervisor_loads_no_opentelemetry(bench: Bench):
    code = (
        "import sys, exectrail.supervisor.watching, exectrail.supervisor.output, "
        "exectrail.signals.redaction; "
        "print([n for n in sys.modules if n.split('.')[0] in ('opentelemetry', 'psutil')])"
    )
    done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
