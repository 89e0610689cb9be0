"""What a trainee did in a lab, kept in the workspace: attempts, predictions, answers."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class StepState:
    """Attempts at one step."""

    attempts: int = 0
    passed: bool = False
    failure: str = ""
    streak: int = 0
    """How often in a row the same failure was seen."""
    unlocked: bool = False
    resumed: bool = False

    def seen(self, failure: str) -> None:
        """Count an attempt that ended with ``failure``, or passed when that is empty."""
        self.attempts += 1
        self.streak = self.streak + 1 if failure and failure == self.failure else 1
        self.failure = failure
        self.passed = self.passed or not failure


@dataclass(slots=True)
class Prediction:
    """A range the trainee is 80 % sure of, and what came out."""

    low: float
    high: float
    actual: float | None = None

    @property
    def hit(self) -> bool | None:
        """Whether the range holds what came out; None before it did."""
        return None if self.actual is None else self.low <= self.actual <= self.high


@dataclass(slots=True)
class State:
    """All of it, for one lab."""

    steps: dict[str, StepState] = field(default_factory=dict)
    predictions: dict[str, Prediction] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)

    def step(self, name: str) -> StepState:
        """Return the state of a step."""
        return self.steps.setdefault(name, StepState())


@dataclass(slots=True)
class StateFile:
    """Where it is kept. A workspace that takes no writes must not stop a lab."""

    path: Path
    unsaved: State | None = None
    """What could not be written."""

    def read(self) -> State:
        """Return what is kept, or an empty state."""
        if self.unsaved:
            return self.unsaved
        try:
            content: dict[str, Any] = json.loads(self.path.read_text("utf-8"))
            return State(
                {name: StepState(**item) for name, item in content["steps"].items()},
                {name: Prediction(**item) for name, item in content["predictions"].items()},
                dict(content["answers"]),
            )
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return State()

    def change(
        self, edit: Callable[[State], None], *, warn: Callable[[OSError], None] = lambda _: None
    ) -> State:
        """Read, edit and write; return the new state.

        ``warn`` is told once that it can't be kept.
        """
        state = self.read()
        edit(state)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self.path.with_suffix(".new")
            temporary.write_text(json.dumps(asdict(state), indent=1), "utf-8")
            temporary.replace(self.path)
            self.unsaved = None
        except OSError as error:
            if not self.unsaved:
                warn(error)
            self.unsaved = state
        return state
