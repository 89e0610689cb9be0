"""Pacing of a table's updates."""

import asyncio

import pytest

from practicum_portal.pages.live import paced


class Clock:
    """A clock that goes on by hundredths of a second, and lets everyone run at each."""

    now = 0.0

    async def sleep(self, seconds):
        end = self.now + seconds
        while self.now < end:
            self.now += 0.01
            for _ in range(5):
                await asyncio.sleep(0)

    async def ticks(self):
        """Yield whenever it went on."""
        while True:
            yield (last := self.now)
            while self.now == last:  # noqa: ASYNC110 - nobody else tells that it went on
                await asyncio.sleep(0)


async def nothing():
    await asyncio.Event().wait()
    yield


async def test_many_changes_become_few_updates():
    clock, seen = Clock(), 0
    moments = paced(clock.ticks(), pause=0.7, most=60, sleep=clock.sleep)
    async for _ in moments:
        seen += 1
        await clock.sleep(0.01)  # making the update takes a moment
        if clock.now > 10:
            break
    await moments.aclose()
    assert 13 <= seen <= 15


async def test_quiet_times_are_refreshed():
    moments = paced(nothing(), pause=0, most=0.01)
    for _ in range(3):
        await anext(moments)
    await moments.aclose()


async def test_what_goes_wrong_while_listening_ends_the_updates():
    async def broken():
        yield 1
        raise RuntimeError("the watch broke")

    with pytest.raises(RuntimeError, match="the watch broke"):
        async for _ in paced(broken(), pause=0, most=60):
            pass
