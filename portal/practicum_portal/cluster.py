"""The portal's view of the cluster: our four kinds, kept current by list and watch."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from practicum_api.accelerator import AcceleratorClass
from practicum_api.cohort import Cohort
from practicum_api.lab import Lab
from practicum_api.names import NAMESPACE_PREFIX, cohort_namespace
from practicum_api.sandbox import Sandbox
from practicum_portal.kubernetes import Body, Kubernetes, KubernetesAwayError, KubernetesError

log = logging.getLogger(__name__)

Object = TypeVar("Object", bound=AcceleratorClass | Lab | Cohort | Sandbox)
Key = tuple[str, str]
"""Namespace (empty for cluster-wide kinds) and name."""

GONE = 410
_BACKOFF_FIRST = 0.5
_BACKOFF_MAX = 15.0
_BREATH = 0.3
"""Pause after each watch: one that always ends at once must not become a storm of requests."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is new, different or gone."""

    plural: str
    key: Key


class Shelf(Generic[Object]):
    """All objects of one kind, as last heard of. Never goes back to an older version."""

    def __init__(
        self,
        plural: str,
        parse: Callable[[Body], Object],
        *,
        notify: Callable[[Change], None],
        clock: Callable[[], float],
    ) -> None:
        self.plural = plural
        self.items: dict[Key, Object] = {}
        self.version = ""
        self.heard: float | None = None
        self._parse = parse
        self._notify = notify
        self._clock = clock

    def replace(self, bodies: list[Body], version: str) -> None:
        """Take a complete list, as of ``version``."""
        self.version = version
        self.heard = self._clock()
        found = {_key(body) for body in bodies}
        for key in [key for key in self.items if key not in found]:
            self._drop(key, int(version))
        for body in bodies:
            self.put(body, listed=True)

    def event(self, event: Body) -> None:
        """Take one watch event."""
        body = event["object"]
        self.heard = self._clock()
        if event["type"] == "DELETED":
            self._drop(_key(body), int(body["metadata"]["resourceVersion"]))
        elif event["type"] in {"ADDED", "MODIFIED"}:
            self.put(body, listed=True)
        self.version = body["metadata"]["resourceVersion"]

    def _drop(self, key: Key, version: int) -> None:
        """Forget what was gone at ``version``, unless it is known to be made anew since."""
        known = self.items.get(key)
        if known is not None and int(known.metadata.resource_version) <= version:
            del self.items[key]
            self._notify(Change(self.plural, key))

    def put(self, body: Body, *, listed: bool = False) -> Object | None:
        """Take one object, from a list or a watch, or else as the answer to a write of ours."""
        key = _key(body)
        known = self.items.get(key)
        version = int(body["metadata"]["resourceVersion"])
        if known is not None and int(known.metadata.resource_version) >= version:
            return known
        if known is None and not listed and version <= int(self.version or 0):
            return None  # the watch is past it: it has been deleted since
        try:
            item = self._parse(body)
        except ValidationError as error:
            log.warning("%s %s/%s is not understood: %s", self.plural, *key, error)
            return None
        self.items[key] = item
        self._notify(Change(self.plural, key))
        return item


@dataclass(slots=True, eq=False)
class Subscription:
    """Changes since it was last asked, each key once."""

    _changed: dict[Change, None] = field(default_factory=dict)
    _event: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, change: Change) -> None:
        """Note a change."""
        self._changed[change] = None
        self._event.set()

    async def wait(self) -> tuple[Change, ...]:
        """Return what changed, waiting until something did."""
        await self._event.wait()
        self._event.clear()
        changed = tuple(self._changed)
        self._changed.clear()
        return changed


class Cluster:
    """The cache. Reads never wait; `run` keeps it current until it is cancelled."""

    def __init__(
        self,
        api: Kubernetes,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self._api = api
        self._clock = clock
        self._pause = pause
        self._subscriptions: set[Subscription] = set()
        options: dict[str, Any] = {"notify": self._notify, "clock": clock}
        self.accelerators = Shelf("acceleratorclasses", AcceleratorClass.model_validate, **options)
        self.labs = Shelf("labs", Lab.model_validate, **options)
        self.cohorts = Shelf("cohorts", Cohort.model_validate, **options)
        self.sandboxes = Shelf("sandboxes", Sandbox.model_validate, **options)

    @property
    def _shelves(self) -> tuple[Shelf[Any], ...]:
        return (self.accelerators, self.labs, self.cohorts, self.sandboxes)

    async def run(self) -> None:
        """Keep all kinds current, for ever."""
        async with asyncio.TaskGroup() as group:
            for shelf in self._shelves:
                group.create_task(self._follow(shelf), name=f"watch-{shelf.plural}")

    @property
    def synced(self) -> bool:
        """Whether every kind has been listed once."""
        return all(shelf.heard is not None for shelf in self._shelves)

    def silence(self) -> float:
        """Return the seconds since the least recent word on any kind; infinite before the first."""
        heard = [shelf.heard for shelf in self._shelves]
        if any(moment is None for moment in heard):
            return float("inf")
        return self._clock() - min(moment for moment in heard if moment is not None)

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        """Collect changes from here on."""
        subscription = Subscription()
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    def lab(self, name: str) -> Lab | None:
        """Return the Lab of this name."""
        return self.labs.items.get(("", name))

    def cohort(self, name: str) -> Cohort | None:
        """Return the Cohort of this name."""
        return self.cohorts.items.get(("", name))

    def accelerator(self, name: str) -> AcceleratorClass | None:
        """Return the AcceleratorClass of this name."""
        return self.accelerators.items.get(("", name))

    def sandbox(self, cohort: str, name: str) -> Sandbox | None:
        """Return the Sandbox of this name in a cohort."""
        return self.sandboxes.items.get((cohort_namespace(cohort), name))

    def sandboxes_of(
        self, *, owner: str | None = None, cohort: str | None = None
    ) -> tuple[Sandbox, ...]:
        """Return Sandboxes by owner, cohort or both, in the order of their names."""
        namespace = None if cohort is None else cohort_namespace(cohort)
        items = self.sandboxes.items
        found = [
            key
            for key, item in items.items()
            if (owner is None or item.spec.owner == owner)
            and (namespace is None or key[0] == namespace)
        ]
        return tuple(items[key] for key in sorted(found))

    def sandbox_for(self, owner: str, server: str, *, cohort: str | None = None) -> Sandbox | None:
        """Return the Sandbox behind an owner's server; the oldest when there are several."""
        found = [
            item for item in self.sandboxes_of(owner=owner, cohort=cohort) if item.server == server
        ]
        return min(found, key=_age, default=None)

    def _notify(self, change: Change) -> None:
        for subscription in self._subscriptions:
            subscription.add(change)

    async def _follow(self, shelf: Shelf[Any]) -> None:
        backoff = _BACKOFF_FIRST
        while True:
            try:
                if not shelf.version:
                    shelf.replace(*await self._api.list(shelf.plural))
                await self._watch(shelf)
                backoff = _BACKOFF_FIRST
                await self._pause(_BREATH)
            except KubernetesError as error:
                if error.status == GONE:
                    shelf.version = ""
                    await self._pause(_BREATH)
                    continue
                log.warning("watching %s: %s", shelf.plural, error)
                backoff = await self._wait(backoff, error.retry_after)
            except KubernetesAwayError as error:
                log.warning("watching %s: the API server is away (%s)", shelf.plural, error)
                backoff = await self._wait(backoff)

    async def _watch(self, shelf: Shelf[Any]) -> None:
        events: AsyncIterator[Body] = self._api.watch(shelf.plural, shelf.version)
        async for event in events:
            shelf.event(event)
        shelf.heard = self._clock()

    async def _wait(self, backoff: float, at_least: float | None = None) -> float:
        await self._pause(max(backoff * random.uniform(0.5, 1.5), at_least or 0))  # noqa: S311
        return min(backoff * 2, _BACKOFF_MAX)


def cohort_of(sandbox: Sandbox) -> str:
    """Return the cohort whose namespace a Sandbox is in."""
    return sandbox.metadata.namespace.removeprefix(NAMESPACE_PREFIX)


def _age(sandbox: Sandbox) -> tuple[float, str]:
    created = sandbox.metadata.creation_timestamp
    return created.timestamp() if created else 0.0, sandbox.metadata.uid


def _key(body: Body) -> Key:
    return body["metadata"].get("namespace", ""), body["metadata"]["name"]
