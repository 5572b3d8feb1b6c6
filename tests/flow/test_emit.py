"""`exectrail emit` from real shell scripts, and `exectrail ship` for what they leave."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from exectrail.conventions import names
from exectrail.spool import Folder, folders
from exectrail.testing.sink import Answer, SentLog, Sink

pytestmark = pytest.mark.slow

BIN = Path(sys.executable).parent
REFUSED = "http://127.0.0.1:9"
"""Nobody listens there."""


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


class Shell:
    """A place where scripts run: a spool of its own, and where it is sent."""

    def __init__(self, tmp_path: Path, endpoint: str) -> None:
        self.spool = tmp_path / "spool"
        self.folder = tmp_path
        self.environment: dict[str, str] = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "EXECTRAIL_"))},
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "EXECTRAIL_SPOOL": str(self.spool),
        }

    def run(
        self, text: str, *, shell: str = "sh", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        script = self.folder / "review.sh"
        script.write_text(text)
        return subprocess.run(
            [shell, str(script)],
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def ship(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(BIN / "exectrail"), "ship", *arguments],
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def left(self) -> int:
        """Lines that nobody has sent yet."""
        return sum(folder.left() for folder in folders(self.spool))


@pytest.fixture
def shell(tmp_path: Path, sink: Sink) -> Shell:
    return Shell(tmp_path, sink.url)


def until(so: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < deadline, "never so"
        time.sleep(0.02)


def has_exited(sink: Sink, count: int = 1) -> None:
    """Wait until the watched processes are told to have ended, and all that went before is there.

    What calls wrote is sent before that, or later by others: sequence numbers say if some is away.
    """
    sink.wait_for(lambda: sum(log.name == names.EVENT_WORKER_EXITED for log in sink.logs) >= count)


def of(sink: Sink, execution_id: str) -> list[SentLog]:
    """The events of an execution, in order; each once."""
    found = {
        log.attributes[names.EXECUTION_SEQUENCE]: log
        for log in sink.logs
        if log.attributes.get(names.EXECUTION_ID) == execution_id
    }
    return [found[number] for number in sorted(found)]


def shown(logs: list[SentLog]) -> list[str]:
    """Events as words: what moved to which state, or the event's short name."""
    words: list[str] = []
    for log in logs:
        a: Mapping[str, Any] = log.attributes
        if log.name == names.EVENT_EXECUTION_STATE_CHANGED:
            before = a.get(names.EXECUTION_PREVIOUS_STATE, "")
            refused = "" if a.get(names.EXECUTION_VALID, True) else "refused"
            reason = a.get(names.EXECUTION_REASON, "")
            move = f"{before}>{a[names.EXECUTION_STATE]}"
            words.append(" ".join(filter(None, [move, reason, refused])))
        else:
            words.append(log.name.rpartition(".")[2])
    return words


SCRIPT = """
set -e
id=$(exectrail emit start --kind workflow --name nightly --tag repo=shop --deadline 30m)
export EXECTRAIL_EXECUTION=$id
step=$(exectrail emit start --kind agent --name reviewer --parent "$id" --attempt 2)
exectrail emit progress 50% --message "half, token=ghp_0123456789abcdefghijklmnopqrstuvwxyz"
exectrail emit usage --provider openai --model gpt-4o --input-tokens 1000 --output-tokens 100 \\
    --duration 2s --id "$step"
exectrail emit artifact report.html --url "https://bob:hunter2@example.org/r?token=abcdefgh12345678"
exectrail emit pause --reason rate_limit
exectrail emit resume
exectrail emit fail --id "$step" --error-type BuildError --message "password=hunter2secret wrong"
exectrail emit complete
echo "$id $step"
"""


@pytest.mark.parametrize("program", ["sh", "bash"])
def test_a_script_reports_a_run_with_its_agent_cost_artifact_and_error(
    program: str, shell: Shell, sink: Sink
):
    if shutil.which(program) is None:
        pytest.skip(f"no {program} here")
    done = shell.run(SCRIPT, shell=program)
    assert (done.returncode, done.stderr) == (0, "")
    run, agent = done.stdout.split()
    has_exited(sink)
    sink.wait_for(lambda: len(sink.spans) == 3)

    assert shown(of(sink, run)) == [
        ">running",
        "progress",
        "artifact",
        "running>paused rate_limit",
        "paused>running",
        "running>completed",
    ]
    assert shown(of(sink, agent)) == [">running", "usage", "running>failed error"]
    first, progress, artifact = of(sink, run)[:3]
    assert first.attributes[f"{names.TAG_PREFIX}repo"] == "shop"
    assert str(first.attributes[names.EXECUTION_DEADLINE]).endswith("Z")
    assert progress.attributes[names.EXECUTION_PROGRESS] == 0.5
    assert progress.attributes[names.EXECUTION_MESSAGE] == "half, token=[redacted:github]"
    assert artifact.attributes[names.ARTIFACT_URL] == (
        "https://[redacted:credentials]@example.org/r?token=[redacted:parameter]"
    )
    started, usage, failed = of(sink, agent)
    assert {
        name: started.attributes[name]
        for name in (
            names.EXECUTION_PARENT_ID,
            names.EXECUTION_ROOT_ID,
            names.EXECUTION_ATTEMPT,
            names.GEN_AI_WORKFLOW_NAME,
            names.GEN_AI_AGENT_NAME,
        )
    } == {
        names.EXECUTION_PARENT_ID: run,
        names.EXECUTION_ROOT_ID: run,
        names.EXECUTION_ATTEMPT: 2,
        names.GEN_AI_WORKFLOW_NAME: "nightly",
        names.GEN_AI_AGENT_NAME: "reviewer",
    }
    assert usage.attributes[names.COST_AMOUNT] == "0.0035"
    assert failed.attributes[names.ERROR_TYPE] == "BuildError"
    assert failed.attributes[names.EXCEPTION_MESSAGE] == "password=[redacted:secret] wrong"
    assert failed.record.severity_text == "ERROR"
    spans = {span.name: span.span for span in sink.spans}
    root = spans["invoke_workflow nightly"]
    assert set(spans) == {"invoke_workflow nightly", "invoke_agent reviewer", "chat gpt-4o"}
    assert {span.trace_id for span in spans.values()} == {root.trace_id}
    assert root.parent_span_id == b""
    assert spans["invoke_agent reviewer"].parent_span_id == root.span_id
    assert spans["chat gpt-4o"].parent_span_id == spans["invoke_agent reviewer"].span_id
    assert first.record.span_id == root.span_id
    assert sink.logs[0].resource[names.SERVICE_NAME] == "review"
    [worker] = {log.resource[names.WORKER_ID] for log in sink.logs}
    worker_events = {
        log.attributes[names.WORKER_SEQUENCE]: log.name
        for log in sink.logs
        if names.WORKER_SEQUENCE in log.attributes
    }
    assert worker_events == {1: names.EVENT_WORKER_STARTED, 2: names.EVENT_WORKER_EXITED}
    assert worker
    until(lambda: shell.left() == 0 and not folders(shell.spool))


def test_a_killed_script_is_told_at_once_and_its_watcher_ends(shell: Shell, sink: Sink):
    done = shell.run("exectrail emit start --name doomed\nkill -9 $$\n")
    killed = time.monotonic()
    assert done.returncode == -signal.SIGKILL
    has_exited(sink)

    assert time.monotonic() - killed < 5
    exited = next(log for log in sink.logs if log.name == names.EVENT_WORKER_EXITED)
    if sys.platform == "linux" and names.WORKER_SIGNAL in exited.attributes:
        assert exited.attributes[names.WORKER_SIGNAL] == "SIGKILL"
    assert shown(of(sink, done.stdout.strip())) == [">running"]
    until(lambda: not _watchers(shell))


def test_under_a_supervisor_its_end_is_the_last_that_is_told(shell: Shell, sink: Sink):
    done = shell.run(
        "exectrail run sh -c 'exectrail emit start --name doomed; kill -9 $$' || echo $?"
    )
    execution_id, code = done.stdout.split()
    has_exited(sink)
    until(lambda: not folders(shell.spool))

    assert code == "137"
    worker = of(sink, execution_id)[0].resource[names.WORKER_ID]
    told = [log for log in sink.logs if log.resource.get(names.WORKER_ID) == worker]
    assert max(told, key=lambda log: log.record.time_unix_nano).name == names.EVENT_WORKER_EXITED


def _watchers(shell: Shell) -> list[int]:
    """Processes that have our spool in their environment."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if str(shell.spool).encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_a_watcher_holds_nothing_of_the_script(shell: Shell, sink: Sink):
    lock = shell.folder / "lock"
    done = shell.run(
        f"""
exec 7>{lock}
id=$(exectrail emit start --name held)
echo "$id"
jobs
own=$(cut -d' ' -f6 /proc/$$/stat)
for pid in $(ls /proc | grep '^[0-9]*$'); do
    words=$(tr '\\0' ' ' < /proc/$pid/cmdline)
    case "$words" in *"emit start --name held"*)
        echo "files $(ls -l /proc/$pid/fd | grep -c -e {lock} -e pipe)" \\
            "session $(cut -d' ' -f6 /proc/$pid/stat | grep -cvx "$own")" \\
            "folder $(readlink /proc/$pid/cwd)" ;;
    esac
done 2>/dev/null
""",
        shell="bash",
    )
    lines = done.stdout.splitlines()
    has_exited(sink)

    assert done.stderr == ""
    assert "files 0 session 1 folder /" in lines[1:]


def test_calls_at_once_for_one_execution_share_no_number(shell: Shell, sink: Sink):
    done = shell.run(
        """
id=$(exectrail emit start --name busy)
for n in 1 2 3 4 5 6 7 8; do exectrail emit progress --completed $n --planned 8 --id "$id" & done
wait
exectrail emit complete --id "$id" --json
"""
    )
    told = json.loads(done.stdout)
    has_exited(sink)

    events = of(sink, told["execution_id"])
    assert told["sequence"] == 10
    assert shown(events) == [">running", *["progress"] * 8, "running>completed"]
    completed = sorted(log.attributes[names.EXECUTION_STEPS_COMPLETED] for log in events[1:9])
    assert completed == list(range(1, 9))
    assert len({log.resource[names.WORKER_ID] for log in sink.logs}) == 1


def test_starts_at_once_of_one_process_are_of_one_worker(shell: Shell, sink: Sink):
    shell.run("for n in 1 2 3 4 5 6; do exectrail emit start --name x --pid $$ & done; wait")
    has_exited(sink)

    started = [log for log in sink.logs if log.name == names.EVENT_WORKER_STARTED]
    assert len({log.resource[names.WORKER_ID] for log in sink.logs}) == 1
    assert len(started) == 1


def test_a_change_that_is_not_allowed_is_recorded_as_refused(shell: Shell, sink: Sink):
    done = shell.run(
        """
set -e
id=$(exectrail emit start --name x)
exectrail emit pause --id $id
exectrail emit complete --id $id
exectrail emit resume --id $id
exectrail emit complete --id $id
exectrail emit complete --id $id
exectrail emit progress 1 --id $id
exectrail emit resume --id $id --strict || echo "strict $?"
echo $id
"""
    )
    strict, execution_id = done.stdout.splitlines()
    has_exited(sink)

    assert (done.returncode, strict) == (0, "strict 1")
    assert done.stderr.splitlines() == [
        "exectrail emit: paused -> completed is no allowed change; recorded as refused, the "
        "execution stays paused",
        "exectrail emit: nothing to record: the execution ended completed",
        "exectrail emit: nothing to record: the execution ended completed",
        "exectrail emit: completed -> running is no allowed change; recorded as refused, the "
        "execution stays completed",
    ]
    assert shown(of(sink, execution_id)) == [
        ">running",
        "running>paused human_input",
        "paused>completed refused",
        "paused>running",
        "running>completed",
        "completed>running refused",
    ]


def test_a_durable_pause_is_resumed_by_another_script(shell: Shell, sink: Sink):
    first = shell.run(
        "id=$(exectrail emit start --name x)\nexectrail emit pause --key shop/42 --id $id\necho $id"
    )
    second = shell.run("exectrail emit start --name x --resumes shop/42 --checkpoint-id c1")
    has_exited(sink, 2)
    sink.wait_for(lambda: bool(sink.spans))

    paused = of(sink, first.stdout.strip())[-1]
    resumed = of(sink, second.stdout.strip())[0]
    assert shown([paused, resumed]) == ["running>paused human_input", "paused>running"]
    assert paused.attributes[names.EXECUTION_RESUME_KEY] == "shop/42"
    assert resumed.attributes[names.EXECUTION_RESUME_KEY] == "shop/42"
    assert [span.name for span in sink.spans] == ["task x"]


def test_exported_variables_make_later_calls_and_programs_find_it(shell: Shell, sink: Sink):
    done = shell.run(
        f"""
set -e
eval "$(exectrail emit start --name nightly --kind workflow --export)"
exectrail emit start --kind step --name inner
{sys.executable} -c '
import exectrail
exectrail.instrument()
with exectrail.step("python") as step:
    print(step.parent_id)
'
exectrail emit complete
echo $EXECTRAIL_EXECUTION
"""
    )
    assert (done.returncode, done.stderr) == (0, "")
    inner, parent, run = done.stdout.split()
    has_exited(sink, 2)
    sink.wait_for(lambda: len(sink.spans) == 2)

    assert parent == run
    assert of(sink, inner)[0].attributes[names.EXECUTION_PARENT_ID] == run
    python = next(span for span in sink.spans if span.name == "step python")
    root = next(span for span in sink.spans if span.name == "invoke_workflow nightly")
    assert python.attributes[names.EXECUTION_ROOT_ID] == run
    assert python.span.trace_id == root.span.trace_id
    assert python.span.parent_span_id == root.span.span_id


def test_without_a_process_it_is_sent_all_the_same(shell: Shell, sink: Sink):
    done = shell.run(
        "id=$(exectrail emit start --name ci --pid 0 --lease 2h)\n"
        "exectrail emit complete --id $id\necho $id"
    )
    execution_id = done.stdout.strip()
    sink.wait_for(lambda: len(of(sink, execution_id)) == 2)

    assert shown(of(sink, execution_id)) == [">running", "running>completed"]
    resource = of(sink, execution_id)[0].resource
    assert resource[names.WORKER_LEASE] == 7200
    assert names.PROCESS_PID not in resource


def test_a_watcher_that_was_killed_is_replaced_by_the_next_call(shell: Shell, sink: Sink):
    done = shell.run(
        """
id=$(exectrail emit start --name x)
echo $id
read -r line < $EXECTRAIL_SPOOL/emit/pid-$$-*.json
for pid in $(ls /proc | grep '^[0-9]*$'); do
    if tr '\\0' ' ' < /proc/$pid/cmdline 2>/dev/null | grep -q "emit start --name x"; then
        kill -9 $pid
    fi
done 2>/dev/null
exectrail emit complete --id $id
""",
        shell="bash",
    )
    has_exited(sink)

    assert shown(of(sink, done.stdout.strip())) == [">running", "running>completed"]
    assert len({log.resource[names.WORKER_ID] for log in sink.logs}) == 1
    numbers = [
        log.attributes[names.WORKER_SEQUENCE]
        for log in sink.logs
        if log.name == names.EVENT_WORKER_EXITED
    ]
    assert numbers
    assert numbers[0] > 1 << 20


# -- trouble ---------------------------------------------------------------------------------------

TROUBLE = """
set -e
id=$(exectrail emit start --name x)
test ${#id} -eq 36
exectrail emit progress 0.5 --id "$id"
exectrail emit complete --id "$id" --strict || echo "strict $?"
echo on
"""


def test_a_spool_that_cannot_be_written_stops_no_script(shell: Shell):
    shell.spool.write_text("a file, not a folder")
    done = shell.run(TROUBLE)

    assert (done.returncode, done.stdout) == (0, "strict 1\non\n")
    assert done.stderr.count("not recorded") == 3
    assert "Traceback" not in done.stderr


def test_without_a_spool_it_says_so_and_goes_on(shell: Shell):
    done = shell.run(TROUBLE, EXECTRAIL_SPOOL="off")

    assert (done.returncode, done.stdout) == (0, "strict 1\non\n")
    assert done.stderr.count("EXECTRAIL_SPOOL=off") == 3


def test_switched_off_it_does_nothing_and_says_nothing(shell: Shell):
    done = shell.run(TROUBLE, EXECTRAIL_DISABLED="true")

    assert (done.returncode, done.stdout, done.stderr) == (0, "on\n", "")
    assert not shell.spool.exists()


def test_an_id_that_is_none_stops_no_script(shell: Shell):
    done = shell.run("set -e\nexectrail emit complete --id nonsense\nexectrail emit fail\necho on")

    assert (done.returncode, done.stdout) == (0, "on\n")
    assert done.stderr.splitlines() == [
        "exectrail emit: not recorded: 'nonsense' is not the id of an execution",
        "exectrail emit: not recorded: which execution? Name it by --id or EXECTRAIL_EXECUTION",
    ]


def test_a_process_that_is_not_there_is_told(shell: Shell, sink: Sink):
    done = shell.run("exectrail emit start --name x --pid $(sh -c 'echo $$')")
    sink.wait_for(lambda: bool(of(sink, done.stdout.strip())))

    assert done.returncode == 0
    assert "reported without a process" in done.stderr


# -- ship ------------------------------------------------------------------------------------------


def test_what_is_left_is_listed_shipped_and_gone(shell: Shell, sink: Sink):
    done = shell.run(
        "id=$(exectrail emit start --name x)\necho $id\nkill -9 $$",
        OTEL_EXPORTER_OTLP_ENDPOINT=REFUSED,
    )
    execution_id = done.stdout.strip()
    until(lambda: shell.left() > 0 and not any(f.alive() for f in folders(shell.spool)))

    away = shell.ship(OTEL_EXPORTER_OTLP_ENDPOINT=REFUSED)
    assert away.returncode == 1
    assert "lines are left" in away.stderr
    assert "cannot be reached" in away.stderr
    assert "exectrail up --detach" in away.stderr
    listed = shell.ship("--list")
    assert listed.returncode == 1
    assert "ended, 3 lines to send" in listed.stdout
    elsewhere = shell.ship()
    assert elsewhere.returncode == 0
    assert "1 more were meant for another endpoint" in elsewhere.stdout
    assert sink.logs == []
    shipped = shell.ship("--all", "--json")
    assert shipped.returncode == 0
    told = json.loads(shipped.stdout)
    assert (told["sent"], told["left"], len(told["folders"])) == (3, 0, 1)
    assert shown(of(sink, execution_id)) == [">running"]
    assert folders(shell.spool) == []
    assert shell.ship("--list").stdout == f"{shell.spool} is empty\n"
    assert shell.ship().stdout == f"nothing is left to send to {sink.url}/v1/logs\n"


def test_a_sidecar_ships_when_the_receiver_is_back_and_ends_by_sigterm(shell: Shell, sink: Sink):
    sink.answer = Answer.UNAVAILABLE
    done = shell.run("exectrail emit start --name x\nkill -9 $$")
    watching = subprocess.Popen(
        [str(BIN / "exectrail"), "ship", "--watch", "--every", "0.1s", "--json"],
        env=shell.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert watching.stdout is not None
        refused = json.loads(watching.stdout.readline())
        assert "503" in refused["problem"]
        sink.let_go()
        shipped = json.loads(watching.stdout.readline())
        assert shipped["sent"] > 0
        until(lambda: folders(shell.spool) == [])
    finally:
        watching.send_signal(signal.SIGTERM)
    assert watching.wait(20) == 0
    watching.stdout.close()
    assert shown(of(sink, done.stdout.strip())) == [">running"]


def test_folders_of_living_processes_are_left_to_them(shell: Shell, sink: Sink):
    sink.answer = Answer.UNAVAILABLE
    script = shell.folder / "waits.sh"
    script.write_text("exectrail emit start --name x\nread -r line")
    with subprocess.Popen(
        ["sh", str(script)], env=shell.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as program:
        try:
            until(lambda: any(folder.alive() for folder in folders(shell.spool)))
            alive = [folder for folder in folders(shell.spool) if folder.alive()]
            listed = json.loads(shell.ship("--list", "--json").stdout)
            assert {f["worker_id"] for f in listed["folders"] if f["alive"]} >= {
                Folder(alive[0].path).worker_id
            }
            shell.ship()
            assert alive[0].path.exists()
        finally:
            program.communicate(b"\n")
    sink.let_go()
    has_exited(sink)
