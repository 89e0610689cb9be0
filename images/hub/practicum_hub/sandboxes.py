"""What the Hub knows of Sandboxes: one watch for the whole process, and the seam behind it.

The cache is level-triggered: a watch that breaks is resumed, one that fell behind lists
again. While the API server can't be reached the last answer stands, because a Hub that takes
silence for death would stop everyone's server.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

from practicum_api.base import find_condition
from practicum_api.names import NAMESPACE_PREFIX
from practicum_api.reasons import Reason
from practicum_api.sandbox import DesiredState, Sandbox

log = logging.getLogger(__name__)

Key = tuple[str, str]
"""Namespace and name."""

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 5.0
BREATH = 0.3
"""Pause after each watch: one that always ends at once must not become a storm of requests."""


class UnavailableError(Exception):
    """The API server can't be reached, is overloaded or refuses us; the last answer stands."""


class ConflictError(Exception):
    """The object changed since it was read."""


class ExpiredError(Exception):
    """The watch fell behind what the API server remembers; list again."""


@dataclass(frozen=True)
class Listing:
    """All Sandboxes at one moment."""

    sandboxes: tuple[Sandbox, ...]
    resource_version: str


@dataclass(frozen=True)
class Change:
    """One event of a watch; without a Sandbox it only says that the watch works, and how far."""

    resource_version: str
    sandbox: Sandbox | None = None
    deleted: bool = False


class SandboxApi(Protocol):
    """The seam to Kubernetes. Every method may raise UnavailableError."""

    async def list(self) -> Listing:
        """Return all Sandboxes."""

    def watch(self, resource_version: str) -> AsyncIterator[Change]:
        """Yield changes since `resource_version` until the server ends the watch; may Expire."""

    async def get(self, key: Key) -> Sandbox | None:
        """Return one Sandbox as it is now, or None."""

    async def set_desired_state(self, sandbox: Sandbox, state: DesiredState) -> Sandbox | None:
        """Write `desiredState` if the Sandbox is still as given; None when it is gone.

        Raises ConflictError when it changed meanwhile.
        """

    async def token(self, namespace: str, secret: str) -> str | None:
        """Return the Hub token in a Secret, or None when there is none."""


def key_of(sandbox: Sandbox) -> Key:
    """Return the key of a Sandbox."""
    return sandbox.metadata.namespace, sandbox.metadata.name


class Sandboxes:
    """A watch cache of all Sandboxes, found by owner and server."""

    def __init__(self, api: SandboxApi) -> None:
        self.api = api
        self._items: dict[Key, Sandbox] = {}
        self._by_server: defaultdict[tuple[str, str], set[Key]] = defaultdict(set)
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.synced = False
        """Whether a first listing came in. Before that, a missing Sandbox means nothing."""
        self.following = False
        """Whether the API server answers at the moment, so that what is missing really is."""

    def ensure_watching(self) -> None:
        """Start the watch when it does not run yet."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self.watch(), name="sandboxes")

    async def close(self) -> None:
        """Stop the watch."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def find(self, owner: str, server: str) -> Sandbox | None:
        """Return the Sandbox of an owner's server, the one that the operator would run."""
        found = [self._items[key] for key in self._by_server.get((owner, server), ())]
        return min(found, key=_claim, default=None)

    async def changed(self, seconds: float) -> None:
        """Wait for the next change of any Sandbox, at most `seconds` seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)

    async def wait(
        self, owner: str, server: str, ready: Callable[[Sandbox | None], bool], seconds: float
    ) -> Sandbox | None:
        """Return the Sandbox as soon as `ready` holds for it, or as it is after `seconds`."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while True:
            self.ensure_watching()
            sandbox = self.find(owner, server)
            if (self.synced and ready(sandbox)) or loop.time() >= end:
                return sandbox
            await self.changed(end - loop.time())

    async def refresh(self, sandbox: Sandbox) -> Sandbox | None:
        """Return the Sandbox as the API server has it now, and remember that."""
        current = await self.api.get(key_of(sandbox))
        if current is None:
            self._forget(key_of(sandbox))
        else:
            self.remember(current)
        return current

    def remember(self, sandbox: Sandbox) -> None:
        """Take in what the API server answered or the watch brought, unless newer is known."""
        known = self._items.get(key_of(sandbox))
        if known is None or not _is_older(sandbox, known):
            self._put(sandbox)
            self._notify()

    async def watch(self) -> None:
        """List, then follow the changes, for ever."""
        pause = FIRST_PAUSE
        resource_version = ""
        while True:
            try:
                if not resource_version:
                    resource_version = await self._list()
                async for change in self.api.watch(resource_version):
                    self.following = True
                    self._take(change)
                    resource_version = change.resource_version
                    pause = FIRST_PAUSE
                await asyncio.sleep(BREATH)
            except ExpiredError:
                resource_version = ""
                await asyncio.sleep(BREATH)
            except UnavailableError as error:
                self.following = False
                log.warning("Sandboxes: %s; keeping what is known", error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _list(self) -> str:
        listing = await self.api.list()
        gone = set(self._items) - {key_of(sandbox) for sandbox in listing.sandboxes}
        for key in gone:
            self._forget(key)
        for sandbox in listing.sandboxes:
            self._put(sandbox)
        self.synced = self.following = True
        self._notify()
        return listing.resource_version

    def _take(self, change: Change) -> None:
        if change.sandbox is None:
            return
        if change.deleted:
            self._forget(key_of(change.sandbox))
            self._notify()
        else:
            self.remember(change.sandbox)

    def _put(self, sandbox: Sandbox) -> None:
        key = key_of(sandbox)
        self._forget(key)
        if key[0].startswith(NAMESPACE_PREFIX):
            self._items[key] = sandbox
            self._by_server[sandbox.spec.owner, sandbox.server].add(key)

    def _forget(self, key: Key) -> None:
        old = self._items.pop(key, None)
        if old is not None:
            keys = self._by_server[old.spec.owner, old.server]
            keys.discard(key)
            if not keys:
                del self._by_server[old.spec.owner, old.server]

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _is_older(sandbox: Sandbox, known: Sandbox) -> bool:
    # Resource versions of one kind are ordered (KEP-5504); an answer may overtake the watch.
    new, old = sandbox.metadata.resource_version, known.metadata.resource_version
    return new.isdecimal() and old.isdecimal() and int(new) < int(old)


def _claim(sandbox: Sandbox) -> tuple[bool, str, Key]:
    """Rank claims to a server: what the operator passes over comes last, then age decides.

    The operator knows which Cohorts there are and who has the server; the Hub sees what it said.
    """
    conditions = sandbox.status.conditions
    duplicate, ready = find_condition(conditions, "Duplicate"), find_condition(conditions, "Ready")
    passed_over = (duplicate is not None and duplicate.status == "True") or (
        ready is not None and ready.reason == Reason.UNKNOWN_COHORT
    )
    created = sandbox.metadata.creation_timestamp
    return passed_over, created.isoformat() if created else "", key_of(sandbox)
