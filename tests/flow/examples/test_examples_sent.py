"""The OTLP that the examples send under `exectrail run`, whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from .sent import sent_by

pytestmark = pytest.mark.slow

TEAM_SPANS = """
invoke_workflow research_team {end}
  step supervisor completed
    chat gpt-4o-mini in=1500 out=300 cost=0.000375
  invoke_agent researcher completed
    step model completed
      chat gpt-4o in=1200 out=80 cost=0.0033
    step tools completed
      execute_tool search completed
    step model completed
      chat gpt-4o in=1500 out=300 cost=0.00625
  step supervisor completed
    chat gpt-4o-mini in=1500 out=300 cost=0.000375
  invoke_agent writer completed
    step model completed
      chat claude-sonnet-4-5 in=1200 out=80 cost=0.00372
    step tools completed
      execute_tool outline completed
    step model completed
      chat claude-sonnet-4-5 in=1500 out=300 cost=0.00792
  step supervisor completed
    chat gpt-4o-mini in=1500 out=300 cost=0.000375
  invoke_agent reviewer completed
    step model completed
      chat acme-large-9 in=1200 out=80
    step tools completed
      execute_tool check_facts completed
    step model completed
      chat acme-large-9 in=1500 out=300
  step supervisor completed
    chat gpt-4o-mini in=1500 out=300 cost=0.000375
  step publish {end}
""".strip()
MEMBER_EVENTS = """
agent {0}: running running>completed
step model: running inference.usage running>completed
step tools: running running>completed
tool {1}: running running>completed
step model: running inference.usage running>completed
step supervisor: running inference.usage running>completed
"""
TEAM_EVENTS = (
    """
workflow research_team: running running>{end}
step supervisor: running inference.usage running>completed
"""
    + MEMBER_EVENTS.format("researcher", "search")
    + MEMBER_EVENTS.format("writer", "outline")
    + MEMBER_EVENTS.format("reviewer", "check_facts")
    + "step publish: running running>{end}\n"
)


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


def test_a_team_that_succeeds_sends_its_whole_tree() -> None:
    spans, told = sent_by("research_team.py")
    assert spans == TEAM_SPANS.format(end="completed")
    assert told == lines(TEAM_EVENTS.format(end="completed"))


def test_a_team_whose_last_step_fails_sends_the_failure_and_what_succeeded() -> None:
    spans, told = sent_by("research_team.py", "--offline-printer")
    assert spans == TEAM_SPANS.format(end="failed (error) ERROR")
    assert told == lines(TEAM_EVENTS.format(end="failed(error)"))


def test_a_question_and_its_answer_are_sent_by_two_processes(tmp_path: Path) -> None:
    database = str(tmp_path / "checkpoints.db")
    asked = sent_by("approval.py", "ask", database)
    answered = sent_by("approval.py", "answer", database)
    assert asked == (
        "invoke_workflow refund paused (human_input)\n"
        "  step assess completed\n"
        "    chat gpt-4o-mini in=1500 out=300 cost=0.000375\n"
        "  step approve paused (human_input)",
        [
            "workflow refund: running running>paused(human_input)",
            "step assess: running inference.usage running>completed",
            "step approve: running running>paused(human_input)",
        ],
    )
    assert answered == (
        "invoke_workflow refund completed\n  step approve completed\n  step pay completed",
        [
            "workflow refund: paused>running running>completed",
            "step approve: paused>running running>completed",
            "step pay: running running>completed",
        ],
    )


def test_a_killed_job_has_sent_what_it_was_doing() -> None:
    spans, told = sent_by(until="embed")
    assert told == [
        "workflow nightly_index: running",
        "step collect: running inference.usage running>completed",
        "step embed: running",
    ]
    assert "nightly_index" not in spans, "the span of what never ended cannot have been sent"
