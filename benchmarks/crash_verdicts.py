"""Compares what the views showed with what is right, by the programs' logs and the table."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from crash_stack import Shown, Story
from crash_trials import Trial
from crash_truth import BEGIN, BESIDE, ENDED, ENDING, OPEN, Fate

TABLE: Final[Mapping[str, Any]] = tomllib.loads(
    Path(__file__).with_name("crash_table.toml").read_text(encoding="utf-8")
)
FINAL: Final = frozenset({"completed", "failed", "cancelled", "abandoned"})
LATE: Final = "was right only after"
SLACK_S: Final = 1.0
"""What the limits of the table leave beyond the death, or beyond the lease."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One right answer."""

    states: tuple[str, ...]
    reasons: tuple[str, ...]
    evidence: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def fits(self, shown: Shown) -> bool:
        """Whether that is what is shown."""
        return (
            shown.state in self.states
            and shown.reason in self.reasons
            and all(getattr(shown, name) == value for name, value in self.evidence.items())
        )

    def __str__(self) -> str:
        evidence = "".join(f", {name} {value}" for name, value in self.evidence.items())
        return f"{'/'.join(self.states)} ({'/'.join(self.reasons)}{evidence})"


@dataclass(slots=True)
class Tally:
    """The figures of a row in one mode. JSON has the same names."""

    row: str
    mode: str
    processes: int = 0
    started: int = 0
    accounted: int = 0
    right: int = 0
    late: int = 0
    """Right, but only after the limit."""
    unknown: int = 0
    """Executions that are shown and that no program started."""
    verdict_s: dict[str, float | None] = field(default_factory=dict[str, float | None])
    limit_s: float = 0.0
    not_run: str = ""
    wrong: list[str] = field(default_factory=list[str])
    """What was not right, the first of it."""
    lates: list[str] = field(default_factory=list[str])
    seconds: list[float] = field(default_factory=list[float])

    @property
    def is_right(self) -> bool:
        """Whether nothing was lost, invented, or shown as what it was not."""
        return bool(self.not_run) or (
            self.started == self.accounted == self.right > 0 and not self.unknown and not self.wrong
        )

    @property
    def holds(self) -> bool:
        """Whether all is as it should be, in time too."""
        return self.is_right and not self.late


class Verdicts:
    """Judges the trials of one row in one mode."""

    def __init__(self, row: str, supervised: bool, lease: float) -> None:
        mode = "supervised" if supervised else "unsupervised"
        self._entry: Mapping[str, Any] = TABLE[row][mode]
        self._limit = SLACK_S + (lease if self._entry["limit"] == "lease" else 0.0)
        self.tally = Tally(row, mode, limit_s=self._limit)

    def add(self, trial: Trial, stories: Mapping[str, Story], since: float) -> None:
        """Judge a trial.

        Args:
            trial: One that has come to its end, the lease and a second ago at least.
            stories: What was shown, by key.
            since: When the receiver was back, where the row counts from there; 0 otherwise.
        """
        self.tally.processes += len(trial.deaths)
        if trial.problem:
            self.tally.wrong.append(f"{trial.directory.name}: {trial.problem}")
        fates = trial.fates()
        for key, fate in fates.items():
            story = stories.get(key)
            if story is None and not fate.certain:
                continue
            self.tally.started += 1
            if story is None:
                self._say(f"{key} ({fate.moment}) is not known")
                continue
            self.tally.accounted += 1
            problem = self._judge(trial, fate, story, since)
            if problem.startswith(LATE):
                self.tally.right += 1
                self.tally.late += 1
                self.tally.lates.append(f"{key} ({fate.moment} {fate.state}) {problem}")
            elif problem:
                self._say(f"{key} ({fate.moment} {fate.state}) {problem}")
            else:
                self.tally.right += 1
        prefix = f"cm:{trial.directory.name}:"
        for key in stories:
            if key.startswith(prefix) and key not in fates:
                self.tally.unknown += 1
                self._say(f"{key} was never started")

    def _say(self, what: str) -> None:
        self.tally.wrong.append(what)

    def _judge(self, trial: Trial, fate: Fate, story: Story, since: float) -> str:
        """What is wrong with what was shown of an execution; empty if nothing is."""
        answers = self._answers(trial, fate)
        last = story.last
        fitting = [answer for answer in answers if answer.fits(last)]
        if not fitting:
            return f"is {_words(last)}, not {' or '.join(map(str, answers))}"
        if len(story.ids) > 1:
            return f"is shown {len(story.ids)} times"
        if fate.parent is not None and last.parent != fate.parent:
            return f"stands beneath {last.parent!r}, not {fate.parent!r}"
        if not fate.calls <= last.calls <= fate.calls + 1:
            return f"has {last.calls} model calls, not {fate.calls}"
        allowed = {state for answer in answers for state in answer.states}
        woke = trial.stopped is not None and not trial.supervised
        for index, (at, shown) in enumerate(story.shown):
            if shown.state in FINAL - allowed and not (woke and shown.state == "abandoned"):
                until = story.shown[index + 1][0] if index + 1 < len(story.shown) else at
                return f"was shown as {_words(shown)} for {until - at:.2f} s"
            # It may have died while the question was on its way.
            answered = story.answers.get(at, at)
            if shown.state == "abandoned" and answered < trial.over(fate.pid) and not woke:
                return f"was shown as {_words(shown)} while its process lived"
        if fate.moment != ENDED or fate.was_cut:
            return self._in_time(trial, fate, story, since, fitting)
        return self._while_stopped(trial, fate, story)

    def _in_time(
        self, trial: Trial, fate: Fate, story: Story, since: float, fitting: list[Answer]
    ) -> str:
        reference = fate.cut_at if fate.was_cut else trial.deaths[fate.pid]
        right_from = next_right(story.shown, fitting)
        took = max(0.0, right_from - max(reference, since))
        self.tally.seconds.append(took)
        return f"{LATE} {took:.2f} s" if took > self._limit else ""

    def _while_stopped(self, trial: Trial, fate: Fate, story: Story) -> str:
        if not key_stopped(trial, fate):
            return ""
        assert trial.stopped is not None
        stopped, woken = trial.stopped
        answer = _answer(self._entry["cut"])
        # What was answered later may have been looked at later, though asked before.
        during = [one for one in story.shown if story.answers.get(one[0], one[0]) < woken]
        if not during and fate.started_at > stopped - SLACK_S:
            return ""  # it had no time to be told of
        if not during or not answer.fits(during[-1][1]):
            said = _words(during[-1][1]) if during else "not known"
            return f"was {said} while it was stopped, not {answer}"
        if self._entry["verdict"]:
            took = max(0.0, next_right(during, [answer]) - stopped)
            self.tally.seconds.append(took)
            if took > self._limit:
                return f"{LATE} {took:.2f} s"
        return ""

    def _answers(self, trial: Trial, fate: Fate) -> list[Answer]:
        """What is right of an execution, any one of them."""
        ended = Answer((fate.state,), (fate.reason,))
        if fate.moment == ENDED:
            return [ended]
        place = "cut" if fate.was_cut else fate.place
        if place == BESIDE and fate.pid == trial.killed:
            place = OPEN
        answers = [_answer(self._entry[self._entry_name(place)])]
        if fate.moment == ENDING:
            answers.append(ended)
        if fate.moment in (BEGIN, ENDING) and fate.before is not None:
            answers.append(Answer((fate.before[0],), (fate.before[1],)))
        return answers

    def _entry_name(self, place: str) -> str:
        for name in (place, place.removesuffix("_async"), OPEN, "cut"):
            if name in self._entry:
                return name
        raise KeyError(place)


def key_stopped(trial: Trial, fate: Fate) -> bool:
    """Whether it was open when its process was stopped."""
    return trial.stopped is not None and fate.key in trial.at_stop


def next_right(told: Sequence[tuple[float, Shown]], fitting: Sequence[Answer]) -> float:
    """From when on it was shown rightly, to the end of what was shown."""
    since = told[-1][0]
    for at, shown in reversed(told):
        if not any(answer.fits(shown) for answer in fitting):
            break
        since = at
    return since


def _answer(entry: Mapping[str, Any]) -> Answer:
    state = entry["state"]
    evidence = {name: entry[name] for name in entry if name not in ("state", "reasons")}
    states = (state,) if isinstance(state, str) else tuple(state)
    return Answer(states, tuple(entry["reasons"]), evidence)


def _words(shown: Shown) -> str:
    evidence = (
        (f", exit code {shown.exit_code}" if shown.exit_code is not None else "")
        + (f", {shown.signal}" if shown.signal else "")
        + (", oom" if shown.oom else "")
    )
    return f"{shown.state} ({shown.reason}{evidence})"
