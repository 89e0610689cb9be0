"""A run: log numbers while training, see them here and in the portal."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from types import TracebackType
from typing import Any, Final, Literal, Self

from practicum_labs.messages import say
from practicum_labs.track.courier import Courier
from practicum_labs.track.delivery import Delivery, State
from practicum_labs.track.heartbeat import Heartbeat
from practicum_labs.track.progress import Progress
from practicum_labs.track.record import Point, Record
from practicum_labs.track.values import Wire, from_wire, numbers, plain

FLUSH: Final = 6.0
ERROR_LENGTH: Final = 300
LOCAL: Final = Delivery(State.LOCAL)
Outcome = Literal["finished", "failed"]


@dataclass(slots=True)
class Run:
    """One training or evaluation. Make it with ``track.init``; use it as a context manager.

    Nothing here raises because of the portal, the network or the disk.
    """

    record: Record
    progress: Progress
    heartbeat: Heartbeat
    courier: Courier | None = None
    tell: Callable[[str], None] = print
    language: str = "en"
    now: Callable[[], float] = time.time
    _state: Outcome | Literal["running"] = "running"
    _step: int = -1
    _values: dict[str, Wire] = field(default_factory=dict)
    _said: set[str] = field(default_factory=set)
    _pid: int = field(default_factory=os.getpid)
    _lock: Lock = field(default_factory=Lock)

    @property
    def id(self) -> str:
        """The run's id, here and in the portal."""
        return self.record.run_id

    @property
    def name(self) -> str:
        """The run's name."""
        return str(self.record.create["name"])

    @property
    def config(self) -> Mapping[str, Any]:
        """The settings the run was begun with."""
        config: Mapping[str, Any] = self.record.create["config"]
        return config

    @property
    def state(self) -> str:
        """`running`, `finished` or `failed`."""
        return self._state

    def log(self, values: Mapping[str, Any], step: int | None = None) -> None:
        """Log numbers by name at ``step`` (by default one more than the last)."""
        if os.getpid() != self._pid:
            return  # a forked worker holds a copy of this run: its parent logs, it does not
        if self._state != "running":
            self._once("closed")
            return
        wire, dropped = numbers(values)
        if dropped:
            self._once("not_numbers", names=", ".join(dropped))
        if not wire:
            return
        with self._lock:
            self._step = self._step + 1 if step is None else int(step)
            moment = self.now()
            self.record.append(Point(self.record.last_seq + 1, self._step, moment, wire))
            self._values |= wire
        self.heartbeat.beat(moment)
        self._warn()
        self.progress.point(self._step, wire, self._delivery(), self._waiting())

    def finish(
        self,
        summary: Mapping[str, Any] | None = None,
        *,
        state: Outcome = "finished",
        seconds: float = FLUSH,
    ) -> None:
        """Close the run with its last values and ``summary``, waiting a little for the portal."""
        if self._state != "running" or os.getpid() != self._pid:
            return
        self._state = state
        self.record.close(state, {**self._values, **plain(summary or {})})
        self.heartbeat.stop()
        if self.courier is not None:
            self.courier.flush(self.record, seconds)
        else:
            self.record.release()
        self.progress.end(self._delivery(), self._waiting(), state)
        self._warn()
        delivered = self.courier is None or self.record.sent.settled
        if not delivered:
            self._once("kept", waiting=self._waiting(), folder=self.record.folder)

    def history(self, metric: str) -> list[tuple[int, float]]:
        """Return what was logged as ``metric``: pairs of step and value, to draw."""
        return [
            (point.step, from_wire(point.values[metric]))
            for point in self.record.points()
            if metric in point.values
        ]

    def __enter__(self) -> Self:
        """Use the run as a context."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the run; as failed when an exception ends it."""
        if error is None:
            self.finish()
        else:
            text = f"{type(error).__name__}: {error}".splitlines()[0][:ERROR_LENGTH]
            self.finish({"error": text}, state="failed")

    def _delivery(self) -> Delivery:
        return LOCAL if self.courier is None else self.courier.how(self.record)

    def _waiting(self) -> int:
        return max(self.record.last_seq - self.record.sent.seq, 0)

    def _warn(self) -> None:
        """Say each kind of trouble once, from the caller's thread so that the cell shows it."""
        delivery = self._delivery()
        if self.record.trouble:
            self._once("disk", reason=self.record.trouble)
        if self.record.sent.full:
            self._once("full", detail=self.record.sent.full)
        if self.record.sent.skipped:
            self._once("skipped")
        if delivery.state in {State.DENIED, State.REFUSED}:
            self._once(delivery.state.value, detail=delivery.detail)
        elif delivery.state is State.AWAY and delivery.detail:
            self._once("away", detail=delivery.detail)

    def _once(self, key: str, **facts: Any) -> None:
        if key not in self._said:
            self._said.add(key)
            self.tell(say(f"track.{key}", self.language, **facts))
