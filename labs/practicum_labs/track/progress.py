"""One line that says how a run is going, rewritten in place."""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TextIO

from practicum_labs.messages import say
from practicum_labs.track.delivery import Delivery, State
from practicum_labs.track.values import Wire, from_wire

SHOWN_VALUES: Final = 4
WIDTH: Final = 110


class Line(Protocol):
    """Somewhere one line can be rewritten."""

    every: float
    """Least seconds between two writings."""

    def write(self, text: str) -> None:
        """Put ``text`` in place of what is there."""
        ...

    def end(self, text: str) -> None:
        """Put ``text`` there for good."""
        ...


@dataclass(slots=True)
class NotebookLine:
    """An output of the cell that started the run, updated in place."""

    every: float = 0.25
    _handle: Any = None

    def write(self, text: str) -> None:
        """Put ``text`` in place of what is there."""
        from IPython.display import display

        content = {"text/plain": text}
        if self._handle is None:
            self._handle = display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)

    def end(self, text: str) -> None:
        """Put ``text`` there for good."""
        self.write(text)


@dataclass(slots=True)
class TerminalLine:
    """A line of a terminal, rewritten from its start."""

    stream: TextIO
    every: float = 0.25

    def write(self, text: str) -> None:
        """Put ``text`` in place of what is there."""
        self.stream.write(f"\r\x1b[2K{text[:WIDTH]}")
        self.stream.flush()

    def end(self, text: str) -> None:
        """Put ``text`` there for good."""
        self.write(text)
        self.stream.write("\n")
        self.stream.flush()


@dataclass(slots=True)
class LogLine:
    """A log file: a new line now and then."""

    stream: TextIO
    every: float = 10.0

    def write(self, text: str) -> None:
        """Add ``text``."""
        self.stream.write(f"{text}\n")
        self.stream.flush()

    def end(self, text: str) -> None:
        """Add ``text``."""
        self.write(text)


def line_here() -> Line:
    """Return the kind of line that fits where this process writes."""
    if "ipykernel" in sys.modules:
        return NotebookLine()
    return TerminalLine(sys.stdout) if sys.stdout.isatty() else LogLine(sys.stdout)


@dataclass(slots=True)
class Progress:
    """The line of one run."""

    name: str
    line: Line
    language: str = "en"
    clock: Callable[[], float] = time.monotonic
    _started: float | None = None
    _written: float = float("-inf")
    _points: int = 0
    _values: dict[str, Wire] = field(default_factory=dict)
    _step: int = 0

    def point(
        self, step: int, values: Mapping[str, Wire], delivery: Delivery, waiting: int
    ) -> None:
        """Take in a point, and rewrite the line when it is time."""
        now = self.clock()
        if self._started is None:
            self._started = now
        self._points += 1
        self._step = step
        self._values |= values
        if now - self._written >= self.line.every:
            self._written = now
            self.line.write(self._text(now, delivery, waiting))

    def end(self, delivery: Delivery, waiting: int, state: str) -> None:
        """Write the last line."""
        text = self._text(self.clock(), delivery, waiting)
        mark = "✓" if state == "finished" else "✗"
        self.line.end(f"{mark} {text}")

    def _text(self, now: float, delivery: Delivery, waiting: int) -> str:
        parts = [self.name, say("progress.step", self.language, step=self._step)]
        elapsed = now - (self._started if self._started is not None else now)
        if self._points > 1 and elapsed > 0:
            parts.append(say("progress.rate", self.language, rate=(self._points - 1) / elapsed))
        shown = list(self._values.items())[:SHOWN_VALUES]
        parts += [f"{name} {from_wire(value):.4g}" for name, value in shown]
        parts.append(self._portal(delivery, waiting))
        return " · ".join(parts)

    def _portal(self, delivery: Delivery, waiting: int) -> str:
        if delivery.state is State.SENT and waiting:
            return say("progress.sending", self.language, waiting=waiting)
        return say(f"progress.{delivery.state.value}", self.language, waiting=waiting)
