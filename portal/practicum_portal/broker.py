"""Who waits for news of which run, within this process."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Broker:
    """Wakes those who wait for a topic. News itself is in the database."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    def publish(self, topic: str) -> None:
        """Wake everyone who waits for the topic."""
        for event in self._waiting.get(topic, ()):
            event.set()

    @contextmanager
    def subscribe(self, topic: str) -> Iterator[asyncio.Event]:
        """Give an event that is set by news; whoever takes it clears it before looking."""
        event = asyncio.Event()
        self._waiting[topic].add(event)
        try:
            yield event
        finally:
            self._waiting[topic].discard(event)
            if not self._waiting[topic]:
                del self._waiting[topic]
