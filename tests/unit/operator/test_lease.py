"""One operator at a time, whatever becomes of the other."""

import asyncio
from collections.abc import Callable

import pytest

from practicum_operator.kubernetes import UnavailableError
from practicum_operator.lease import LASTS, NAME, Lease, LeaseLostError

NAMESPACE = "practicum"


class Clock:
    """Time that passes only while someone sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)

    async def reaches(self, seconds: float) -> None:
        while self.seconds < seconds:  # noqa: ASYNC110 - others sleep here, and so move it
            await asyncio.sleep(0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lease(kubernetes, clock) -> Callable[[str], Lease]:
    def make(holder: str) -> Lease:
        return Lease(
            kubernetes, NAMESPACE, holder, kubernetes.now, lambda: clock.seconds, clock.sleep
        )

    return make


def holder(kubernetes) -> str:
    return kubernetes.objects["Lease", NAMESPACE, NAME]["spec"]["holderIdentity"]


async def test_a_free_one_is_taken_at_once_and_again_by_the_same_pod(kubernetes, lease, clock):
    await lease("one").acquire()
    await lease("one").acquire()
    assert (holder(kubernetes), clock.seconds) == ("one", 0)


async def test_one_that_is_released_is_taken_at_once(kubernetes, lease, clock):
    first = lease("one")
    await first.acquire()
    await first.release()
    await lease("two").acquire()
    assert (holder(kubernetes), clock.seconds) == ("two", 0)
    assert kubernetes.objects["Lease", NAMESPACE, NAME]["spec"]["leaseTransitions"] == 1


async def test_one_whose_holder_is_gone_is_taken_when_it_has_run_out(kubernetes, lease, clock):
    await lease("one").acquire()
    await lease("two").acquire()
    assert holder(kubernetes) == "two"
    assert LASTS <= clock.seconds < LASTS + 5


async def test_one_that_is_renewed_is_never_taken(kubernetes, lease, clock):
    first = lease("one")
    await first.acquire()
    keeping = asyncio.create_task(first.keep())
    waiting = asyncio.create_task(lease("two").acquire())
    await clock.reaches(10 * LASTS)
    assert not waiting.done()
    assert not keeping.done()
    waiting.cancel()
    keeping.cancel()
    assert holder(kubernetes) == "one"


async def test_who_finds_another_there_stops(kubernetes, lease):
    first = lease("one")
    await first.acquire()
    await lease("two").acquire()
    with pytest.raises(LeaseLostError, match="two acts now"):
        await first.keep()


async def test_who_can_not_renew_stops_before_another_may_begin(kubernetes, lease, clock):
    first = lease("one")
    await first.acquire()
    kubernetes.refuse = lambda *_call: UnavailableError("away")
    with pytest.raises(LeaseLostError, match="away"):
        await first.keep()
    assert clock.seconds < LASTS


async def test_a_short_silence_is_lived_through(kubernetes, lease, clock):
    first = lease("one")
    await first.acquire()
    kubernetes.refuse = lambda *_call: UnavailableError("away") if clock.seconds < 12 else None
    keeping = asyncio.create_task(first.keep())
    await clock.reaches(3 * LASTS)
    assert not keeping.done()
    keeping.cancel()
