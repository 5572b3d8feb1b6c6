"""`exectrail tree` and `exectrail show`: one run, by its id, with all that is known of it."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Ask, Fleet
from .reporting import Process

pytestmark = pytest.mark.slow


def test_a_beginning_of_an_id_is_enough_and_a_part_has_its_own_tree(fleet: Fleet, ask: Ask) -> None:
    whole = ask("tree", fleet.ids["good"])["tree"]
    assert ask("tree", fleet.ids["good"][:18].upper())["tree"]["execution_id"] == fleet.ids["good"]
    assert ask("tree", f"framework-{fleet.project}")["tree"]["execution_id"] == fleet.ids["good"]

    scout = whole["children"][0]
    part = ask("tree", scout["execution_id"])["tree"]
    assert (part["name"], [child["name"] for child in part["children"]]) == ("scout", ["search"])
    shown = ask("show", scout["execution_id"])["run"]
    assert (shown["name"], shown["root_id"]) == ("scout", fleet.ids["good"])


def test_a_run_is_found_among_however_many_parts_that_begin_like_it(
    stack: Any, fleet: Fleet, ask: Ask
) -> None:
    process = Process(f"{fleet.project}-wide")
    long_ago = -40 * 86_400.0  # nothing else begins with the eight characters of that minute
    run = process.start("workflow", "wide", long_ago)
    for _ in range(30):
        run.child("step", "part", long_ago).move("completed", long_ago)
    run.move("completed", long_ago)
    process.send(stack.otlp_endpoint)

    tree = ask("tree", run.id[:8])["tree"]
    assert (tree["execution_id"], len(tree["children"])) == (run.id, 30)


def test_errors_are_shown_where_they_began(fleet: Fleet, ask: Ask) -> None:
    errors = ask("show", fleet.ids["partial"])["errors"]

    assert [(error["name"], error["error_type"]) for error in errors] == [("write", "OSError")]
    own = ask("show", errors[0]["execution_id"])["errors"]
    assert [(error["name"], error["origin"]) for error in own] == [("write", True)]


def test_an_ambiguous_beginning_lists_candidates_and_an_unknown_one_says_what_to_do(
    fleet: Fleet, say: Ask
) -> None:
    code, out, err = say("tree", fleet.ids["live"][:4])
    assert (code, out) == (1, "")
    assert "begins more than one id" in err
    assert fleet.ids["live"] in err

    code, out, err = say("show", "nix")
    assert (code, out) == (1, "")
    assert "no execution has an id that begins with 'nix'. `exectrail runs` lists the runs." in err


def test_the_tree_has_models_and_sums_that_count_every_call_once(fleet: Fleet, ask: Ask) -> None:
    tree = ask("tree", fleet.ids["good"])["tree"]
    scout, critic = tree["children"]

    assert (tree["state"], tree["outcome"], tree["cost"]) == ("completed", "success", None)
    total = tree["total"]
    assert (total["calls"], total["priced_calls"], total["cost"]) == (3, 2, "0.02")
    assert (scout["calls"], scout["cost"], scout["total"]["cost"]) == (2, "0.02", "0.02")
    assert [(model["model"], model["calls"]) for model in scout["models"]] == [("small-1", 2)]
    assert (critic["calls"], critic["cost"], critic["priced_share"]) == (1, None, 0.0)


@pytest.mark.usefixtures("judged")
def test_the_tree_for_people_says_why(fleet: Fleet, say: Ask) -> None:
    code, out, err = say("tree", fleet.ids["lost"])
    assert (code, err) == (0, "")
    assert "reason lease_expired" in out
    assert out.count("pid 6666") == 1

    _, out, _ = say("tree", fleet.ids["partial"])
    assert out.count("OSError: disk\\x1b[2J full") == 1
    assert "\x1b" not in out


@pytest.mark.usefixtures("judged")
def test_a_dead_run_is_shown_with_its_evidence(fleet: Fleet, ask: Ask, say: Ask) -> None:
    run = ask("show", fleet.ids["lost"])["run"]
    assert (run["state"], run["reported_state"], run["reason"]) == (
        *("abandoned", "running", "lease_expired"),
    )
    assert (run["host"], run["pid"], run["last_step"]) == ("box", 6666, "embed")
    assert run["last_heartbeat"] is not None

    _, out, _ = say("show", fleet.ids["lost"])
    assert "Evidence" in out
    assert "host box · pid 6666 · last step embed" in out
    assert "judged; its last sign of life" in out


def test_a_resumed_run_is_one_with_the_wait_apart(fleet: Fleet, ask: Ask, say: Ask) -> None:
    shown = ask("show", fleet.ids["second"])
    run = shown["run"]

    assert run["execution_id"] == fleet.ids["resumed"]
    assert run["segments"] == [fleet.ids["resumed"], fleet.ids["second"]]
    assert (run["state"], run["resumes"]) == ("completed", 1)
    assert (round(run["work_ms"], -2), round(run["wait_ms"], -2)) == (20_000, 300_000)
    moves = [(move["state"], move["pid"]) for move in shown["transitions"]]
    assert moves == [("running", 4242), ("paused", 4242), ("running", 5555), ("completed", 5555)]
    assert [(plan["execution_id"], plan["plan_revision"]) for plan in shown["plans"]] == [
        (fleet.ids["resumed"], 2)
    ]

    _, out, _ = say("show", fleet.ids["resumed"])
    assert "20.0s work · 5m00s wait" in out
    assert "pid 5555 on box" in out
    tree = ask("tree", fleet.ids["resumed"])["tree"]
    assert [child["name"] for child in tree["children"]] == ["pay"]


def test_a_durable_pause_is_no_death(fleet: Fleet, ask: Ask) -> None:
    run = ask("show", fleet.ids["paused"])["run"]

    assert (run["state"], run["reason"], run["outcome"]) == ("paused", "human_input", "")


def test_all_that_a_run_reported_is_shown(fleet: Fleet, ask: Ask, say: Ask) -> None:
    shown = ask("show", fleet.ids["good"])

    assert [agent["agent"] for agent in shown["agents"]] == ["scout", "critic"]
    assert shown["plans"][0]["steps"][0]["name"] == "scout"
    assert (shown["results"][0]["result_name"], shown["results"][0]["result_valid"]) == (
        *("tests", True),
    )
    assert shown["artifacts"][0]["artifact_size"] == 12345
    assert shown["resources"][0]["cpu_seconds"] == 12.5
    assert shown["run"]["tags"] == {"team": "blue"}

    code, out, _ = say("show", fleet.ids["good"])
    sections = [line for line in out.splitlines() if line.isupper() and not line.startswith(" ")]
    assert sections == ["TIMELINE", "AGENTS", "PLAN", "RESULTS", "ARTIFACTS", "RESOURCES"]
    assert "scout  search     completed     5.0s  10.0s       $0.0200  $0.0200" in out
    assert code == 0
