"""One thread a process that brings every run to the portal, and never holds up training."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from practicum_labs.track.delivery import Delivery, State, backoff, deliver
from practicum_labs.track.portal import Portal
from practicum_labs.track.record import Record

PAUSE: Final = 1.0


@dataclass(slots=True)
class _Parcel:
    """A record on its way."""

    record: Record
    failures: int = 0
    due: float = 0.0
    last: Delivery = field(default_factory=lambda: Delivery(State.SENT))


class Courier:
    """Sends records in the background; several runs share the thread.

    A portal that is away holds up all of them; a token that is not good for one run
    (a run of an earlier sandbox) holds up only that one.
    """

    def __init__(
        self, portal: Portal, *, pause: float = PAUSE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Make a courier to ``portal``; its thread starts with the first record."""
        self._portal, self._pause, self._clock = portal, pause, clock
        self._parcels: dict[str, _Parcel] = {}
        self._changed = threading.Condition()
        self._away_until = 0.0
        self._asked_until = 0.0
        self._failures = 0
        self._stopped = False
        self._thread: threading.Thread | None = None

    def add(self, record: Record) -> None:
        """Take ``record`` along from now on."""
        with self._changed:
            self._parcels[record.run_id] = _Parcel(record)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="track", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def carries(self, run_id: str) -> bool:
        """Whether this run is on its way here."""
        return run_id in self._parcels

    def how(self, record: Record) -> Delivery:
        """Return how the last delivery of ``record`` went."""
        if record.sent.refused:
            return Delivery(State.REFUSED, detail=record.sent.refused)
        parcel = self._parcels.get(record.run_id)
        return parcel.last if parcel else Delivery(State.SENT)

    def flush(self, record: Record, seconds: float) -> bool:
        """Wait at most ``seconds`` until the portal has ``record`` whole; return whether it has."""
        deadline = self._clock() + seconds
        with self._changed:
            parcel = self._parcels.get(record.run_id)
            if parcel is None:
                return record.sent.finished
            self._away_until = self._asked_until  # our own patience may end early, theirs not
            self._changed.notify_all()
            while record.run_id in self._parcels and self._clock() < deadline:
                self._changed.wait(min(0.1, max(deadline - self._clock(), 0.0)))
            return record.sent.finished

    def stop(self, seconds: float) -> None:
        """Try for ``seconds`` more to deliver what is finished, then end the thread."""
        deadline = self._clock() + seconds
        for parcel in tuple(self._parcels.values()):
            if parcel.record.finish is not None:
                self.flush(parcel.record, max(deadline - self._clock(), 0.0))
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=max(deadline - self._clock(), 0.0))

    def _work(self) -> None:
        while not self._stopped:
            with self._changed:
                self._changed.wait(self._pause if self._parcels else None)
                parcels = tuple(self._parcels.values())
            for parcel in parcels:
                if self._clock() >= max(self._away_until, parcel.due):
                    self._carry(parcel)

    def _carry(self, parcel: _Parcel) -> None:
        delivery = deliver(parcel.record, self._portal, wanted=lambda: not self._stopped)
        with self._changed:
            parcel.last = delivery
            if delivery.state is State.SENT:
                self._failures = parcel.failures = 0
            elif delivery.state is State.AWAY:
                self._failures += 1
                now = self._clock()
                self._asked_until = now + (delivery.wait or 0.0)
                self._away_until = now + backoff(self._failures, delivery.wait)
            elif delivery.state is State.DENIED:
                parcel.failures += 1
                parcel.due = self._clock() + backoff(parcel.failures, delivery.wait)
            if parcel.record.sent.settled:
                self._parcels.pop(parcel.record.run_id, None)
                parcel.record.release()
            self._changed.notify_all()
