"""A queue of keys: each is in it once, is worked on by one worker at a time, and may come back."""

import asyncio
import random
from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

_FIRST_RETRY = 0.2
_LAST_RETRY = 60.0


class WorkQueue(Generic[K]):
    """A keyed queue in the manner of Kubernetes controllers.

    A key that is added while it waits is not added again; one that is added while it is worked on
    comes back when that is done. So a worker always sees the newest state, and never twice at once.
    Keys added with ``later`` (first lists, resyncs) wait until no other key does.
    """

    def __init__(self) -> None:
        self._soon: deque[K] = deque()
        self._later: deque[K] = deque()
        self._waiting: set[K] = set()
        self._working: set[K] = set()
        self._again: set[K] = set()
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._failures: dict[K, int] = {}
        self._idle: deque[asyncio.Future[None]] = deque()
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, key: K, *, later: bool = False) -> None:
        """Put ``key`` in line, unless it is there already."""
        if key in self._working:
            self._again.add(key)
            return
        if key in self._waiting:
            return
        self._waiting.add(key)
        (self._later if later else self._soon).append(key)
        self._wake()

    def add_after(self, key: K, seconds: float) -> None:
        """Put ``key`` in line after ``seconds``, or sooner if that was asked for before."""
        loop = asyncio.get_running_loop()
        due = loop.time() + max(0.0, seconds)
        timer = self._timers.get(key)
        if timer is not None:
            if timer.when() <= due:
                return
            timer.cancel()
        self._timers[key] = loop.call_at(due, self._fire, key)

    def retry(self, key: K, *, at_least: float = 0.0) -> float:
        """Put ``key`` in line after a wait that doubles with each retry; return the wait."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        wait = min(_LAST_RETRY, _FIRST_RETRY * float(1 << min(failures, 12)))
        wait = max(at_least, wait * random.uniform(0.8, 1.2))  # noqa: S311 - only spreads retries
        self.add_after(key, wait)
        return wait

    def forget(self, key: K) -> None:
        """Start the waits of ``key`` from the shortest again."""
        self._failures.pop(key, None)

    async def get(self) -> K | None:
        """Return the next key, or None once the queue is closed. `done` must follow."""
        while not self._closed:
            key = self.take()
            if key is not None:
                return key
            idle = asyncio.get_running_loop().create_future()
            self._idle.append(idle)
            await idle
        return None

    def take(self) -> K | None:
        """Return the next key without waiting, None if there is none. `done` must follow."""
        line = self._soon or self._later
        if not line:
            return None
        key = line.popleft()
        self._waiting.discard(key)
        self._working.add(key)
        return key

    def done(self, key: K) -> None:
        """Say that the work on ``key`` is over."""
        self._working.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def close(self) -> None:
        """Hand out nothing any more; what is being worked on may finish."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        while self._idle:
            self._wake()

    def _wake(self) -> None:
        """Wake one idle worker: waking all of them for each key would cost more than the work."""
        while self._idle:
            idle = self._idle.popleft()
            if not idle.done():
                idle.set_result(None)
                return

    def _fire(self, key: K) -> None:
        self._timers.pop(key, None)
        self.add(key)
