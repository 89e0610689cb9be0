"""Token buckets: how often one person or sandbox may ask for what costs."""

import time
from collections import OrderedDict
from collections.abc import Callable

from practicum_portal.errors import TooManyRequestsError

_MOST_KEYS = 10_000


class RateLimit:
    """Lets each key through ``per_minute`` times a minute, with bursts of as many."""

    def __init__(self, per_minute: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = per_minute / 60
        self._size = max(per_minute, 1.0)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> None:
        """Count one request; raise TooManyRequestsError when it is one too many."""
        now = self._clock()
        level, moment = self._buckets.pop(key, (self._size, now))
        level = min(self._size, level + (now - moment) * self._rate)
        if level < 1:
            self._buckets[key] = (level, now)
            wait = (1 - level) / self._rate
            raise TooManyRequestsError(
                "You ask for this more often than is accepted.",
                hint=f"Try again in {wait:.0f} seconds.",
                retry_after=wait,
                params={"seconds": round(wait)},
            )
        self._buckets[key] = (level - 1, now)
        while len(self._buckets) > _MOST_KEYS:
            self._buckets.popitem(last=False)
