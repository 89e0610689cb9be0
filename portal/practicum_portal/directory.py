"""What JupyterHub says of people and tokens, remembered for seconds."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from practicum_portal.errors import UnavailableError
from practicum_portal.hub import Hub, HubAwayError, HubUser, TokenOwner

Answer = TypeVar("Answer")

_MOST = 5000


class HubUnreachableError(UnavailableError):
    """JupyterHub does not answer, so that nobody can be let in."""

    code = "hub-away"

    def __init__(self, cause: str) -> None:
        super().__init__(
            "JupyterHub does not answer at the moment.",
            hint="Sandboxes that run go on running. Try again in a few seconds.",
            retry_after=5,
            params={"cause": cause},
        )


@dataclass(slots=True)
class _Entry(Generic[Answer]):
    answer: Answer
    asked: float


class _Memory(Generic[Answer]):
    """Answers by key: asked once at a time, valid for ``fresh`` seconds, ``grace`` when away."""

    def __init__(self, *, fresh: float, grace: float, clock: Callable[[], float]) -> None:
        self._fresh = fresh
        self._grace = grace
        self._clock = clock
        self._entries: OrderedDict[str, _Entry[Answer]] = OrderedDict()
        self._asking: dict[str, asyncio.Lock] = {}

    async def get(self, key: str, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        lock = self._asking.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                return await self._get(key, ask)
        finally:
            if not lock.locked():
                self._asking.pop(key, None)

    def forget(self, key: str) -> None:
        self._entries.pop(key, None)

    async def _get(self, key: str, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        entry = self._entries.get(key)
        now = self._clock()
        if entry is not None and now - entry.asked < self._fresh:
            return entry.answer
        try:
            answer = await ask()
        except HubAwayError as error:
            if entry is not None and now - entry.asked < self._grace:
                return entry.answer
            raise HubUnreachableError(str(error)) from error
        self._entries[key] = _Entry(answer, now)
        self._entries.move_to_end(key)
        while len(self._entries) > _MOST:
            self._entries.popitem(last=False)
        return answer


class Directory:
    """People and tokens as JupyterHub knows them."""

    def __init__(
        self,
        hub: Hub,
        *,
        fresh_seconds: float,
        grace_seconds: float,
        token_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hub = hub
        self._users: _Memory[HubUser | None] = _Memory(
            fresh=fresh_seconds, grace=grace_seconds, clock=clock
        )
        # Without grace: a token that was revoked must not outlive its time by an outage.
        self._tokens: _Memory[TokenOwner | None] = _Memory(
            fresh=token_seconds, grace=0, clock=clock
        )

    async def user(self, name: str) -> HubUser | None:
        """Return a user; None for one that JupyterHub does not know (any more)."""
        return await self._users.get(name, lambda: self._hub.user(name))

    def forget_user(self, name: str) -> None:
        """Ask anew the next time."""
        self._users.forget(name)

    async def token_owner(self, token: str) -> TokenOwner | None:
        """Return whose token this is. Only a hash of it is remembered."""
        key = hashlib.sha256(token.encode()).hexdigest()
        return await self._tokens.get(key, lambda: self._hub.token_owner(token))
