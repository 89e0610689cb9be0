"""A key waits once, is worked on once at a time, and comes back when it was asked for meanwhile."""

import asyncio

import pytest

from practicum_operator.workqueue import WorkQueue


@pytest.fixture
def queue() -> WorkQueue[str]:
    return WorkQueue()


async def test_a_key_waits_once(queue) -> None:
    for key in ("a", "b", "a"):
        queue.add(key)
    assert [queue.take(), queue.take(), queue.take()] == ["a", "b", None]


async def test_a_key_that_is_asked_for_while_worked_on_comes_back(queue) -> None:
    queue.add("a")
    assert queue.take() == "a"
    queue.add("a")
    assert queue.take() is None
    queue.done("a")
    assert queue.take() == "a"


async def test_what_may_wait_comes_last(queue) -> None:
    queue.add("resync", later=True)
    queue.add("user")
    assert [queue.take(), queue.take()] == ["user", "resync"]


async def test_a_sooner_time_wins(queue) -> None:
    queue.add_after("a", 3600)
    queue.add_after("a", 0.01)
    queue.add_after("a", 3600)
    assert await asyncio.wait_for(queue.get(), 30) == "a"


async def test_each_idle_worker_gets_one_key(queue) -> None:
    waiting = [asyncio.create_task(queue.get()) for _ in range(3)]
    await asyncio.sleep(0)
    for key in ("a", "b", "c"):
        queue.add(key)
    assert sorted(await asyncio.gather(*waiting)) == ["a", "b", "c"]


async def test_retries_wait_longer_until_forgotten(queue) -> None:
    waits = [queue.retry("a") for _ in range(5)]
    assert waits[4] > 4 * waits[0]
    assert queue.retry("b", at_least=7) == 7
    queue.forget("a")
    assert queue.retry("a") < waits[2]
    queue.close()


async def test_closing_lets_workers_go(queue) -> None:
    waiting = [asyncio.create_task(queue.get()) for _ in range(2)]
    await asyncio.sleep(0)
    queue.close()
    assert await asyncio.gather(*waiting) == [None, None]
