"""The words of `exectrail emit`, and where a new execution belongs."""

from __future__ import annotations

import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest

from exectrail.execution import About
from exectrail.execution.ids import uuid7
from exectrail.launch import emit
from exectrail.launch.emitting import words
from exectrail.launch.emitting.above import EXECUTION, Above, above, exported
from exectrail.launch.emitting.kept import Keeper, Kept, UnknownExecutionError, about_json
from exectrail.launch.emitting.worker import resource
from exectrail.propagation.parent import write


def parsed(*arguments: str) -> Namespace:
    parser = ArgumentParser(prog="exectrail")
    emit.register(parser.add_subparsers(required=True))
    return parser.parse_args(["emit", *arguments])


def test_times_counts_and_amounts_are_read():
    assert [words.seconds(text) for text in ("90", "90s", "1.5m", "2h", "1d")] == [
        90.0,
        90.0,
        90.0,
        7200.0,
        86400.0,
    ]
    assert words.fraction("0.25") == words.fraction("25%") == 0.25
    assert words.count("12") == 12
    assert words.amount("0.0125") == Decimal("0.0125")
    assert words.deadline("2026-11-21T18:00:00Z") == datetime(2026, 11, 21, 18, tzinfo=UTC)
    assert words.deadline("2026-11-21T18:00:00").tzinfo is not None
    assert words.status("in_progress") == "in_progress"


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (words.seconds, "soon"),
        (words.seconds, "-1s"),
        (words.fraction, "50"),
        (words.fraction, "half"),
        (words.fraction, "nan"),
        (words.count, "-1"),
        (words.amount, "NaN"),
        (words.amount, "-1"),
        (words.amount, "a lot"),
        (words.deadline, "tomorrow"),
        (words.status, "perhaps"),
        (words.pid, "self"),
        (words.tag, "novalue"),
        (words.tag, "=x"),
    ],
)
def test_what_is_none_is_refused(read, text):
    with pytest.raises(ArgumentTypeError):
        read(text)


@pytest.mark.parametrize(
    "arguments",
    [
        ["start"],
        ["start", "--name", "x", "--kind", "thing"],
        ["start", "--name", "x", "--parent", "a", "--root"],
        ["progress", "2"],
        ["usage", "--input-tokens", "3"],
        ["artifact"],
        ["state", "perhaps"],
        ["celebrate"],
        [],
    ],
)
def test_a_wrong_call_ends_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        parsed(*arguments)

    assert ended.value.code == 2
    assert "usage: exectrail emit" in capsys.readouterr().err


ACTIONS = ["start", "progress", "complete", "fail", "cancel", "pause", "resume", "state"]
ACTIONS += ["artifact", "usage"]


@pytest.mark.parametrize("action", ACTIONS)
def test_each_call_has_help_with_an_example(action, capsys):
    with pytest.raises(SystemExit) as ended:
        parsed(action, "--help")

    out = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"  exectrail emit {action}" in out or f"exectrail emit {action} " in out
    assert "examples:" in out
    assert max(map(len, out.splitlines())) <= 100


def test_the_page_has_every_call_and_option():
    page = (Path(__file__).parents[3] / "docs" / "emit.md").read_text()
    parser = ArgumentParser()
    emit.register(parser.add_subparsers())
    [group] = parser._subparsers._group_actions  # pyright: ignore
    [actions] = group.choices["emit"]._subparsers._group_actions

    assert sorted(actions.choices) == sorted(ACTIONS)
    for name, action in actions.choices.items():
        assert f"exectrail emit {name}" in page
        for option in action._actions:
            for word in option.option_strings:
                assert word in ("-h", "--help") or f"`{word}`" in page, (name, word)


# -- the environment -------------------------------------------------------------------------------

OWN, ROOT = uuid7(time.time_ns()), uuid7(time.time_ns())
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE_ID, SPAN_ID = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331


def handed(workflow: str = "office") -> str:
    parent = SimpleNamespace(id=OWN, root_id=ROOT, workflow=workflow, agent="")
    return write(parent, {})  # pyright: ignore[reportArgumentType]  all that it reads


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    return Keeper(tmp_path)


def kept(**more: object) -> Kept:
    known = {
        "id": uuid7(time.time_ns()),
        "kind": "agent",
        "name": "reviewer",
        "root_id": ROOT,
        "started_ns": 1,
        "workflow": "nightly",
        "agent": "reviewer",
        "trace_id": f"{TRACE_ID:032x}",
        "span_id": f"{SPAN_ID:016x}",
    }
    return Kept(**{**known, **more})  # pyright: ignore[reportArgumentType]


def test_nothing_is_above_where_nothing_was_said(keeper: Keeper):
    assert above(keeper, {}) == Above()


def test_what_another_process_handed_down_is_above(keeper: Keeper):
    environment = {"EXECTRAIL_PARENT": handed(), "TRACEPARENT": TRACE}

    expected = Above(OWN, ROOT, "office", "", TRACE_ID, SPAN_ID, 1)
    assert above(keeper, environment) == expected
    assert above(keeper, environment, OWN) == expected


def test_a_foreign_trace_alone_is_gone_on_with(keeper: Keeper):
    unsampled = TRACE.removesuffix("01") + "00"

    assert above(keeper, {"TRACEPARENT": TRACE}) == Above(trace_id=TRACE_ID, span_id=SPAN_ID)
    assert above(keeper, {"TRACEPARENT": unsampled}).flags == 0
    for garbled in (
        "",
        "ff" + TRACE[2:],
        TRACE.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32),
    ):
        assert above(keeper, {"TRACEPARENT": garbled}) == Above()


def test_a_garbled_parent_is_none(keeper: Keeper):
    assert above(keeper, {"EXECTRAIL_PARENT": "what;is;this"}) == Above()


def test_an_execution_that_was_started_here_is_above_by_its_variable_or_its_id(keeper: Keeper):
    known = kept()
    keeper.save(known)
    expected = Above(known.id, ROOT, "nightly", "reviewer", TRACE_ID, SPAN_ID, 1)

    assert above(keeper, {EXECUTION: known.id, "EXECTRAIL_PARENT": handed()}) == expected
    assert above(keeper, {"EXECTRAIL_PARENT": handed()}, known.id) == expected


def test_a_parent_of_which_nothing_else_is_known_is_taken_for_the_root(keeper: Keeper):
    other = uuid7(time.time_ns())

    environment = {"EXECTRAIL_PARENT": handed(), "TRACEPARENT": TRACE}
    assert above(keeper, environment, other) == Above(parent_id=other, root_id=other)


def test_what_is_exported_is_what_is_read(keeper: Keeper):
    known = kept()
    variables = exported(known)

    assert variables[EXECUTION] == known.id
    expected = Above(known.id, ROOT, "nightly", "reviewer", TRACE_ID, SPAN_ID, 1)
    assert above(keeper, variables) == expected


# -- what is kept ----------------------------------------------------------------------------------


def test_what_is_kept_of_an_execution_comes_back(keeper: Keeper):
    deadline = datetime(2026, 11, 21, 18, tzinfo=UTC)
    about = About(deadline=deadline, tags={"repo": "shop"}, target_id="42")
    known = kept(about=about_json(about), state="running", sequence=7)
    keeper.save(known)

    with keeper.held(known.id) as again:
        assert again == known
        execution = again.execution(_recorder(), lambda: 5)
        assert execution.about == about
        assert (execution.next_sequence(), str(execution.state)) == (8, "running")


UNKNOWN = {
    "empty": "",
    "short": "x",
    "a path": "../../etc/passwd",
    "no id": "a" * 36,
    "too long": uuid7(0) + "/",
    "another's": OWN,
}


@pytest.mark.parametrize("word", UNKNOWN.values(), ids=UNKNOWN)
def test_an_id_that_is_not_known_here_says_so(keeper: Keeper, word: str):
    with pytest.raises(UnknownExecutionError), keeper.held(word):
        pass
    assert keeper.find(word) is None


def test_one_call_at_a_time_has_an_execution(keeper: Keeper):
    known = kept(sequence=0)
    keeper.save(known)

    def count() -> None:
        for _ in range(25):
            with keeper.held(known.id) as mine:
                mine.sequence += 1
                keeper.save(mine)

    threads = [Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = keeper.find(known.id)
    assert found is not None
    assert found.sequence == 200


def test_a_file_that_cannot_be_read_is_an_unknown_execution(keeper: Keeper):
    keeper.folder.mkdir()
    keeper.path(OWN).write_text('{"id": ')

    assert keeper.find(OWN) is None
    with pytest.raises(UnknownExecutionError), keeper.held(OWN):
        pass


def _recorder():
    from exectrail.execution import NullRecorder

    return NullRecorder()


# -- the resource ----------------------------------------------------------------------------------


def test_the_resource_is_the_users_but_for_worker_and_process():
    environment = {
        "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=shop,exectrail.worker.id=x,process.pid=3,"
        "team=a%20b,host.name=web-1,broken",
        "OTEL_SERVICE_NAME": "reviews",
    }

    assert resource("w", 7, 45.0, environment) == {
        "service.namespace": "shop",
        "service.name": "reviews",
        "team": "a b",
        "host.name": "web-1",
        "exectrail.worker.id": "w",
        "exectrail.worker.lease": 45.0,
        "process.pid": 7,
    }
    assert "process.pid" not in resource("w", 0, 45.0, environment)
