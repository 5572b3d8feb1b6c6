"""`exectrail emit` from real shell scripts: runs, parts, money, pauses and errors are told."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from exectrail.conventions import names
from exectrail.spool import folders
from exectrail.testing.sink import Sink

from .scripts import Shell, has_exited, of, shown, until

pytestmark = pytest.mark.slow

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
