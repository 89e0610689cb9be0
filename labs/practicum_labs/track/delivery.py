"""Bring a run's record to the portal: what each answer leads to."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from practicum_labs.track.portal import Answer, Portal, Verdict
from practicum_labs.track.record import Point, Record

BATCH: Final = 500
DENIED_WAIT: Final = 60.0
FIRST_WAIT: Final = 1.0
LONGEST_WAIT: Final = 60.0


class State(StrEnum):
    """How far the portal is with a run."""

    SENT = "sent"
    """It has everything so far."""
    AWAY = "away"
    DENIED = "denied"
    REFUSED = "refused"
    LOCAL = "local"
    """There is no portal here."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a delivery went."""

    state: State
    wait: float | None = None
    """Seconds until it is worth trying again, when the portal asked for a time."""
    detail: str = ""


def deliver(
    record: Record, portal: Portal, *, wanted: Callable[[], bool] = lambda: True
) -> Delivery:
    """Send what the portal lacks of ``record`` while ``wanted()``; say how it went."""
    sender = _Sender(record, portal)
    if record.sent.settled:
        return Delivery(State.SENT)
    if not record.sent.created and (trouble := sender.create()):
        return trouble
    while wanted():
        points = record.unsent(sender.batch)
        if points:
            full = len(points) >= sender.batch
            trouble = sender.send(points)
            if not (trouble or full or record.finish):
                return Delivery(State.SENT)  # what came meanwhile makes a batch of its own
        elif record.finish and not record.sent.finished:
            trouble = sender.finish()
        else:
            return Delivery(State.SENT)
        if trouble:
            return trouble
    return Delivery(State.AWAY, detail="stopped")


def backoff(
    failures: int, asked: float | None, *, draw: Callable[[], float] = random.random
) -> float:
    """Return the seconds to wait after ``failures`` in a row: doubling, spread."""
    doubled = min(FIRST_WAIT * 2.0 ** min(failures - 1, 10), LONGEST_WAIT)
    return max(doubled * (0.5 + draw() / 2), asked or 0.0)


class _Sender:
    """One delivery: the batch shrinks when the portal asks for less."""

    def __init__(self, record: Record, portal: Portal) -> None:
        self.record, self.portal = record, portal
        self.batch = BATCH
        self.recreated = False

    def create(self) -> Delivery | None:
        answer = self.portal.create(self.record.run_id, self.record.create)
        if answer.verdict is Verdict.TAKEN:
            self.record.acknowledge(created=True)
            return None
        if (
            answer.verdict is Verdict.UNKNOWN
        ):  # no such API there: not for ever, the portal may come
            return Delivery(State.AWAY, answer.retry_after, answer.detail)
        return self._trouble(answer)

    def send(self, points: list[Point]) -> Delivery | None:
        answer = self.portal.points(self.record.run_id, points)
        match answer.verdict:
            case Verdict.TAKEN:
                self.record.acknowledge(seq=points[-1].seq)
                return None
            case Verdict.UNKNOWN if not self.recreated:
                return self._recreate()
            case Verdict.CONFLICT:  # full, or someone else's: its end goes through, or says so
                self.record.acknowledge(full=answer.detail or answer.verdict.value)
                return None
            case Verdict.TOO_LARGE | Verdict.INVALID if len(points) > 1:
                self.batch = max(1, len(points) // 2)
                return None
            case Verdict.TOO_LARGE | Verdict.INVALID:
                # One point the portal never takes must not hold up the others.
                self.record.acknowledge(seq=points[-1].seq, skipped=self.record.sent.skipped + 1)
                self.batch = BATCH
                return None
            case _:
                return self._trouble(answer)

    def finish(self) -> Delivery | None:
        answer = self.portal.finish(self.record.run_id, self.record.finish or {})
        if answer.verdict in {Verdict.TAKEN, Verdict.CONFLICT}:  # closed is closed
            self.record.acknowledge(finished=True)
            return None
        if answer.verdict is Verdict.UNKNOWN and not self.recreated:
            return self._recreate()
        return self._trouble(answer)

    def _recreate(self) -> Delivery | None:
        """Make a run that the portal lost (a database restored) again, once."""
        self.recreated = True
        self.record.acknowledge(created=False, seq=0)
        return self.create()

    def _trouble(self, answer: Answer) -> Delivery:
        if answer.verdict is Verdict.LATER:
            return Delivery(State.AWAY, answer.retry_after, answer.detail)
        if answer.verdict is Verdict.DENIED:
            return Delivery(State.DENIED, max(DENIED_WAIT, answer.retry_after or 0), answer.detail)
        self.record.acknowledge(refused=answer.detail or answer.verdict.value)
        return Delivery(State.REFUSED, detail=answer.detail)
