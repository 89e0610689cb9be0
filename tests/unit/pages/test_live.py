"""Pacing of a table's updates."""

import asyncio

import pytest

from practicum_portal.pages.live import paced


async def burst(count):
    for number in range(count):
        yield number
        await asyncio.sleep(0)
    await asyncio.Event().wait()


async def test_many_changes_become_few_updates():
    seen = 0
    moments = paced(burst(500), pause=0.2, most=60)
    async for _ in moments:
        seen += 1
        if seen == 2:
            break
    await moments.aclose()
    assert seen == 2


async def test_quiet_times_are_refreshed():
    moments = paced(burst(0), pause=0, most=0.01)
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
