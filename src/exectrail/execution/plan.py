"""Plans: the steps that were meant, with estimates, beside what they took."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from exectrail.conventions.names import State
from exectrail.execution.states import FINAL


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One step of a plan. Inputs and outputs are names, never contents."""

    name: str
    component: str = ""
    inputs: tuple[str, ...] = ()
    expected_outputs: tuple[str, ...] = ()
    estimated_cost: Decimal | None = None
    estimated_seconds: float | None = None
    actual_cost: Decimal | None = None
    actual_seconds: float | None = None
    state: State = State.CREATED


@dataclass(slots=True)
class Plan:
    """The steps of an execution, revised as they go."""

    steps: list[PlanStep] = field(default_factory=list[PlanStep])
    revision: int = 0

    def revise(self, steps: Iterable[PlanStep]) -> None:
        """Take new steps; a step that was there keeps its actuals."""
        known = {step.name: step for step in self.steps}
        self.steps = [
            replace(
                step,
                actual_cost=old.actual_cost if step.actual_cost is None else step.actual_cost,
                actual_seconds=(
                    old.actual_seconds if step.actual_seconds is None else step.actual_seconds
                ),
                state=old.state if step.state is State.CREATED else step.state,
            )
            if (old := known.get(step.name))
            else step
            for step in steps
        ]
        self.revision += 1

    def update(
        self,
        name: str,
        state: State,
        actual_cost: Decimal | None = None,
        actual_seconds: float | None = None,
    ) -> None:
        """Say where a step stands; one that was not planned is added."""
        for index, step in enumerate(self.steps):
            if step.name == name:
                self.steps[index] = replace(
                    step,
                    state=state,
                    actual_cost=step.actual_cost if actual_cost is None else actual_cost,
                    actual_seconds=step.actual_seconds
                    if actual_seconds is None
                    else actual_seconds,
                )
                self.revision += 1
                return
        self.steps.append(
            PlanStep(name, state=state, actual_cost=actual_cost, actual_seconds=actual_seconds)
        )
        self.revision += 1

    def copy(self) -> Plan:
        """The plan as it is now: steps are values, so a new list of them is enough."""
        return Plan(list(self.steps), self.revision)

    @property
    def completed(self) -> int:
        """How many steps have ended."""
        return sum(step.state in FINAL for step in self.steps)
