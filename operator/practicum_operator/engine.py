"""The loops: what was seen goes into the cache and the queue, workers take keys out of it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pydantic

from practicum_api.sandbox import Phase
from practicum_operator.cache import Key, sandbox_key
from practicum_operator.context import Context
from practicum_operator.hub import Hub, HubError, HubUnavailableError
from practicum_operator.kubernetes import (
    ConflictError,
    GoneError,
    KubernetesError,
    NotFoundError,
    TooManyRequestsError,
)
from practicum_operator.plan_routes import missing_routes, routed
from practicum_operator.reconcile_catalogue import (
    reconcile_accelerator,
    reconcile_admission,
    reconcile_lab,
)
from practicum_operator.reconcile_cohort import reconcile_cohort
from practicum_operator.reconcile_sandbox import reconcile_sandbox
from practicum_operator.resources import NAMESPACES, NODES, OURS, PODS, SANDBOXES, Resource

_LOG = logging.getLogger(__name__)

Body = dict[str, Any]
Reconciler = Callable[[Context, Key], Awaitable[None]]

RECONCILERS: dict[str, Reconciler] = {
    "Sandbox": reconcile_sandbox,
    "Cohort": reconcile_cohort,
    "Lab": reconcile_lab,
    "AcceleratorClass": reconcile_accelerator,
    "Admission": reconcile_admission,
}
POD_SELECTOR = "app.kubernetes.io/name=practicum,app.kubernetes.io/component in (sandbox,proxy)"
NAMESPACE_SELECTOR = "practicum.dev/cohort"
_FIRST_PAUSE, _LAST_PAUSE = 0.1, 10.0
RARE: tuple[tuple[Resource, str], ...] = (
    (NAMESPACES, NAMESPACE_SELECTOR),
    (NODES, ""),
    *((resource, "") for resource in OURS if resource is not SANDBOXES),
)
"""What changes rarely: Kopf watches it. With the labels that are selected by."""
FREQUENT: tuple[tuple[Resource, str], ...] = ((SANDBOXES, ""), (PODS, POD_SELECTOR))
"""What changes eight times for each start: watched here, since an event through Kopf costs as much
processor time as all that we do for it (docs/decisions/watching.md)."""


class Engine:
    """Runs the reconcilers. `observe` is the only way in for what happens in the cluster."""

    def __init__(self, context: Context, hub: Hub) -> None:
        self._context = context
        self._hub = hub
        self._tasks: list[asyncio.Task[None]] = []
        self._workers: list[asyncio.Task[None]] = []
        self._versions: dict[str, str] = {}
        self.synced = False

    @property
    def alive(self) -> bool:
        """Whether every loop still runs; one that has ended by a bug would never be missed."""
        return not any(task.done() for task in (*self._workers, *self._tasks))

    def observe(self, kind: str, event: str | None, body: Body) -> None:
        """Take in one watch event and queue whatever has to look at it."""
        store = self._context.cache.store(kind)
        try:
            change = store.observe(body, deleted=event == "DELETED")
        except pydantic.ValidationError as error:
            name = body["metadata"].get("name", "")
            _LOG.warning("%s %s is not as its type says: %s", kind, name, error.errors()[0]["msg"])
            return
        if change is None:
            return
        meta = body["metadata"]
        if kind in RECONCILERS:
            self._context.queue.add(Key(kind, meta.get("namespace", ""), meta["name"]))
        self._context.changed(kind, *change)

    async def prime(self) -> None:
        """List everything once, so that nobody decides on half of what there is.

        Also notices what is gone: a watch that was broken says nothing of it.
        """
        for resource, selector in (*RARE, *FREQUENT):
            self._versions[resource.kind] = await self._list(resource, selector)

    async def _list(self, resource: Resource, selector: str) -> str:
        """List one kind, forget what is gone, and return the version to watch from."""
        listing = await self._context.kubernetes.list(resource, selector=selector)
        store = self._context.cache.store(resource.kind)
        names = []
        for body in listing.items:
            meta = body["metadata"]
            names.append((meta.get("namespace", ""), meta["name"]))
            self.observe(resource.kind, None, body)
        for name in store.missing(names, listing.resource_version):
            before = store.drop(name, listing.resource_version)
            self._context.changed(resource.kind, before, None)
            if resource.kind in RECONCILERS:
                self._context.queue.add(Key(resource.kind, *name))
        return listing.resource_version

    async def _watch(self, resource: Resource, selector: str) -> None:
        """Watch one kind for ever, going on where a broken stream has ended."""
        since = self._versions[resource.kind]
        pause = _FIRST_PAUSE
        while True:
            try:
                events = self._context.kubernetes.watch(resource, since=since, selector=selector)
                async for event, body in events:
                    since = body["metadata"]["resourceVersion"]
                    pause = _FIRST_PAUSE
                    if event != "BOOKMARK":
                        self.observe(resource.kind, event, body)
            except GoneError:
                try:
                    since = await self._list(resource, selector)
                    continue
                except KubernetesError as error:
                    _LOG.warning("list %s: %s", resource.plural, error)
            except KubernetesError as error:
                _LOG.warning("watch %s: %s", resource.plural, error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LAST_PAUSE)

    async def start(self) -> None:
        """List everything, then start the loops."""
        await self.prime()
        self.synced = True
        settings = self._context.settings
        self._workers = [
            asyncio.create_task(self._work(), name=f"worker {number}")
            for number in range(settings.workers)
        ]
        self._tasks = [
            *(
                asyncio.create_task(self._context.registrar.work(), name=f"registrar {number}")
                for number in range(settings.hub_workers)
            ),
            *(
                asyncio.create_task(self._watch(resource, selector), name=resource.plural)
                for resource, selector in FREQUENT
            ),
            asyncio.create_task(self._keep_routes(), name="routes"),
            asyncio.create_task(self._resync(), name="resync"),
        ]
        for task in (*self._workers, *self._tasks):
            task.add_done_callback(_report)

    async def stop(self, *, patience: float = 10.0) -> None:
        """Take in nothing more, let what is under way finish, then end."""
        self._context.queue.close()
        self._context.registrar.close()
        if self._workers:
            await asyncio.wait(self._workers, timeout=patience)
        tasks = [*self._workers, *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self) -> None:
        queue = self._context.queue
        while (key := await queue.get()) is not None:
            try:
                await self.reconcile(key)
            finally:
                queue.done(key)

    async def reconcile(self, key: Key) -> None:
        """Look at one object; whatever fails is tried again, later each time."""
        context = self._context
        began = context.monotonic()
        result = "ok"
        try:
            await RECONCILERS[key.kind](context, key)
            context.queue.forget(key)
        except (ConflictError, NotFoundError) as error:
            # Our picture was old. The event that brings the new one is on its way.
            result = "stale"
            _LOG.debug("%s: %s", key, error)
            context.queue.retry(key)
        except TooManyRequestsError as error:
            result = "throttled"
            context.queue.retry(key, at_least=error.retry_after)
        except KubernetesError as error:
            result = "refused" if error.status else "away"
            wait = context.queue.retry(key)
            _LOG.warning("%s %s: %s; again in %.1f s", key.kind, key.name, error, wait)
        except Exception:  # noqa: BLE001 - logged with its trace; nothing is hidden
            # One object that we can't handle must not take the others down with it.
            result = "error"
            wait = context.queue.retry(key, at_least=1.0)
            _LOG.exception("%s %s/%s; again in %.1f s", *key, wait)
        seconds = context.monotonic() - began
        context.metrics.count_reconcile(key.kind, result, seconds)

    async def _resync(self) -> None:
        """List everything now and then, and look at the rooms of all Cohorts."""
        while True:
            await asyncio.sleep(self._context.settings.resync)
            try:
                await self.prime()
            except KubernetesError as error:
                _LOG.warning("resync: %s", error)
            for cohort in self._context.cache.cohorts:
                self._context.queue.add(Key("Cohort", "", cohort.metadata.name), later=True)

    async def _keep_routes(self) -> None:
        """Compare the proxy's routes with what runs; have lost ones brought back."""
        due = self._context.routes_due
        while True:
            try:
                async with asyncio.timeout(self._context.settings.route_check):
                    await due.wait()
            except TimeoutError:
                pass
            due.clear()
            try:
                await self._check_routes()
            except HubError as error:
                self._context.registrar.away = isinstance(error, HubUnavailableError)
                _LOG.info("routes: %s", error)

    async def _check_routes(self) -> None:
        context = self._context
        running = routed(context.cache.sandboxes)
        starting = any(item.status.phase is Phase.STARTING for item in context.cache.sandboxes)
        if not running and not starting:
            return
        routes = await self._hub.routes()
        context.registrar.away = False
        if not missing_routes(running, routes):
            return
        await self._hub.sync_routes()
        for sandbox in missing_routes(running, await self._hub.routes()):
            _LOG.info("the Hub has lost %s", sandbox.metadata.name)
            context.registrar.lose(sandbox_key(sandbox), sandbox.status.attempt)


def _report(task: asyncio.Task[None]) -> None:
    """Log why a loop has ended, unless it was told to."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        _LOG.critical("the loop %r has ended", task.get_name(), exc_info=error)
