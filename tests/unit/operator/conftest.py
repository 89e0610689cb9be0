"""Makers of resources, and a Kubernetes and a Hub in memory that count calls and can refuse."""

import asyncio
import copy
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from practicum_api import labels
from practicum_api.accelerator import AcceleratorClass
from practicum_api.base import format_time
from practicum_api.cohort import Cohort
from practicum_api.lab import Lab
from practicum_api.names import API_VERSION
from practicum_api.sandbox import Phase, Sandbox
from practicum_operator.__main__ import build_context
from practicum_operator.builders.blueprint import resolve
from practicum_operator.cache import Key
from practicum_operator.context import Context, policy_of
from practicum_operator.engine import FREQUENT, NAMESPACE_SELECTOR, RARE, Engine
from practicum_operator.hub import HubNotFoundError, Server
from practicum_operator.kubernetes import (
    AlreadyExistsError,
    ConflictError,
    KubernetesError,
    Listing,
    NotFoundError,
)
from practicum_operator.metrics import Metrics
from practicum_operator.plan import Observed
from practicum_operator.resources import BY_KIND, PODS, SANDBOXES, Resource
from practicum_operator.settings import Settings
from practicum_operator.views import ContainerView, PodView

Body = dict[str, Any]
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


class Make:
    """Makes resources with the least that a test has to say."""

    now = NOW

    def lab(self, name: str = "lora", generation: int = 1, **spec: Any) -> Lab:
        base = {"title": {"en": "LoRA"}, "image": {"reference": "example/lab:1"}}
        return Lab.model_validate(
            {"metadata": {"name": name, "generation": generation}, "spec": base | spec}
        )

    def cohort(self, name: str = "spring", *, ready: bool = True, **spec: Any) -> Cohort:
        condition = {"type": "Ready", "status": "True", "reason": "Ready"}
        return Cohort.model_validate(
            {
                "metadata": {
                    "name": name,
                    "uid": f"uid-{name}",
                    "generation": 1,
                    "finalizers": [labels.FINALIZER],
                },
                "spec": {"labs": ["lora"]} | spec,
                "status": {"conditions": [condition] if ready else []},
            }
        )

    def accelerator(self, name: str = "a100", **spec: Any) -> AcceleratorClass:
        base = {"resourceName": "nvidia.com/gpu"}
        return AcceleratorClass.model_validate({"metadata": {"name": name}, "spec": base | spec})

    def sandbox(self, name: str = "one", **changes: Any) -> Sandbox:
        """Make a Sandbox; ``spec``, ``status`` and ``meta`` are merged into a small one."""
        meta = {
            "name": name,
            "namespace": "practicum-spring",
            "uid": f"uid-{name}",
            "generation": 1,
            "resourceVersion": "5",
            "creationTimestamp": format_time(NOW - timedelta(minutes=1)),
            "finalizers": [labels.FINALIZER],
        }
        return Sandbox.model_validate(
            {
                "metadata": meta | changes.get("meta", {}),
                "spec": {"owner": "trainee", "lab": "lora"} | changes.get("spec", {}),
                "status": changes.get("status", {}),
            }
        )

    def started(self, phase: Phase = Phase.STARTING, name: str = "one", **changes: Any) -> Sandbox:
        """Make a Sandbox whose first attempt was admitted two minutes ago."""
        status = {
            "phase": phase,
            "attempt": 1,
            "observedGeneration": 1,
            "blueprint": resolve(changes.pop("lab", self.lab()), None).wire(),
            "podName": f"{name}-1",
            "startedAt": format_time(NOW - timedelta(minutes=2)),
        }
        if phase is Phase.RUNNING:
            status |= {
                "readyAt": format_time(NOW - timedelta(minutes=1)),
                "podIp": "10.0.0.9",
                "url": "http://trainee.practicum.localhost:8000/user/trainee/lora/",
                "usage": {"since": format_time(NOW - timedelta(minutes=1))},
                "conditions": [
                    {"type": kind, "status": "True", "reason": "Ready"}
                    for kind in ("Ready", "Registered")
                ],
            }
        status |= changes.pop("status", {})
        return self.sandbox(name, status=status, **changes)

    def pod(self, name: str = "one-1", **changes: Any) -> PodView:
        """Make a Pod that runs and is ready."""
        owner, _, attempt = name.rpartition("-")
        minute_ago = NOW - timedelta(minutes=1)
        pod = PodView(
            namespace="practicum-spring",
            name=name,
            uid=f"uid-{name}",
            owner=owner,
            owner_uid=f"uid-{owner}",
            component="sandbox",
            attempt=int(attempt),
            node="node-1",
            phase="Running",
            ip="10.0.0.9",
            ready=True,
            ready_at=minute_ago,
            scheduled_at=minute_ago,
            created_at=minute_ago,
            container=ContainerView(state="running", started_at=minute_ago),
        )
        return replace(pod, **changes)

    def waiting(self, reason: str, message: str = "", *, restarts: int = 0) -> PodView:
        """Make a Pod whose container waits for ``reason``."""
        container = ContainerView(
            state="waiting", reason=reason, message=message, restarts=restarts
        )
        return self.pod(ready=False, ready_at=None, ip="", container=container)

    def seen(self, sandbox: Sandbox, **changes: Any) -> Observed:
        """Make what a plan is given: the sandbox in a room that is ready."""
        base: Body = {
            "now": NOW,
            "asked_at": NOW - timedelta(minutes=1),
            "cohort": self.cohort(),
            "lab": self.lab(),
        }
        return Observed(sandbox=sandbox, **(base | changes))

    policy = policy_of(Settings(_env_file=None))


@pytest.fixture
def make() -> Make:
    return Make()


@dataclass
class FakeKubernetes:
    """The API server as the operator's seam shows it: versions, finalizers, owners, quotas."""

    now: Callable[[], datetime] = lambda: NOW
    objects: dict[tuple[str, str, str], Body] = field(default_factory=dict)
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    log: list[tuple[str, str, str]] = field(default_factory=list)
    refuse: Callable[[str, str, str], KubernetesError | None] = lambda *_call: None
    """Called with verb, kind and name before every call."""
    watch: Callable[[str, str | None, Body], None] = lambda *_event: None
    version: int = 10

    async def get(self, resource: Resource, name: str, namespace: str = "") -> Body:
        await self._enter("get", resource, name)
        return copy.deepcopy(self._find(resource, name, namespace))

    async def list(self, resource: Resource, *, namespace: str = "", selector: str = "") -> Listing:
        await self._enter("list", resource, "")
        items = [
            copy.deepcopy(body)
            for (kind, place, _), body in self.objects.items()
            if kind == resource.kind
            and (not namespace or place == namespace)
            and (selector != NAMESPACE_SELECTOR or is_watched(body))
        ]
        return Listing(items, str(self.version))

    async def create(self, resource: Resource, body: Body) -> Body:
        await self._enter("create", resource, body["metadata"]["name"])
        return self.put(body)

    def put(self, body: Body) -> Body:
        """Store a new object, as an admin would; return it."""
        body = copy.deepcopy(body)
        meta = body["metadata"]
        key = (body["kind"], meta.get("namespace", ""), meta["name"])
        if key in self.objects:
            raise AlreadyExistsError("exists", status=409)
        meta |= {
            "uid": f"uid-{self.version}",
            "generation": 1,
            "creationTimestamp": format_time(self.now()),
        }
        self.objects[key] = body
        return self._changed("ADDED", body)

    async def apply(self, resource: Resource, body: Body) -> Body:
        await self._enter("apply", resource, body["metadata"]["name"])
        meta = body["metadata"]
        key = (resource.kind, meta.get("namespace", ""), meta["name"])
        if key not in self.objects:
            return self.put(body)
        merge(self.objects[key], body)
        return self._changed("MODIFIED", self.objects[key])

    async def replace(self, resource: Resource, body: Body) -> Body:
        await self._enter("update", resource, body["metadata"]["name"])
        meta = body["metadata"]
        current = self._find(resource, meta["name"], meta.get("namespace", ""))
        version = meta.get("resourceVersion")
        if version and version != current["metadata"]["resourceVersion"]:
            raise ConflictError("changed", status=409)
        current["spec"] = copy.deepcopy(body["spec"])
        return self._changed("MODIFIED", current)

    async def merge_patch(
        self,
        resource: Resource,
        name: str,
        body: Body,
        *,
        namespace: str = "",
        subresource: str = "",
        manager: str = "",
    ) -> Body:
        del manager
        await self._enter(f"patch_{subresource}" if subresource else "patch", resource, name)
        return self.edit(resource, name, body, namespace=namespace)

    def edit(self, resource: Resource, name: str, body: Body, *, namespace: str = "") -> Body:
        """Merge into an object, as anyone may; return it."""
        current = self._find(resource, name, namespace)
        wanted = body.get("metadata", {})
        for part in ("uid", "resourceVersion"):
            if part in wanted and wanted[part] != current["metadata"][part]:
                raise ConflictError("changed", status=409)
        spec = copy.deepcopy(current.get("spec"))
        merge(current, copy.deepcopy(body))
        if current.get("spec") != spec:
            current["metadata"]["generation"] += 1
        return self._settle(current)

    async def json_patch(
        self, resource: Resource, name: str, operations: Sequence[Body], *, namespace: str = ""
    ) -> Body:
        await self._enter("patch", resource, name)
        current = self._find(resource, name, namespace)
        for operation in operations:
            *parents, last = operation["path"].strip("/").split("/")
            target: Any = current
            for part in parents:
                target = target[part]
            place = int(last) if isinstance(target, list) else last
            if operation["op"] == "test" and target[place] != operation["value"]:
                raise ConflictError("test failed", status=409)
            if operation["op"] == "remove":
                del target[place]
        return self._settle(current)

    async def delete(
        self, resource: Resource, name: str, *, namespace: str = "", uid: str = ""
    ) -> Body:
        await self._enter("delete", resource, name)
        if uid and self._find(resource, name, namespace)["metadata"]["uid"] != uid:
            raise ConflictError("another uid", status=409)
        return self.remove(resource, name, namespace=namespace)

    def remove(self, resource: Resource, name: str, *, namespace: str = "") -> Body:
        """Delete an object: at once, or when its finalizers are gone and its Pod has ended."""
        current = self._find(resource, name, namespace)
        current["metadata"].setdefault("deletionTimestamp", format_time(self.now()))
        return self._settle(current)

    def end_pod(self, name: str, namespace: str) -> None:
        """Let a deleted Pod be gone, as its kubelet does."""
        self._drop(self._find(PODS, name, namespace))

    def _settle(self, body: Body) -> Body:
        meta = body["metadata"]
        bound = body["kind"] == "Pod" and (body.get("spec") or {}).get("nodeName")
        if meta.get("deletionTimestamp") and not meta.get("finalizers") and not bound:
            self._drop(body)
            return copy.deepcopy(body)
        return self._changed("MODIFIED", body)

    def _drop(self, body: Body) -> None:
        meta = body["metadata"]
        del self.objects[body["kind"], meta.get("namespace", ""), meta["name"]]
        self._changed("DELETED", body)
        for other in list(self.objects.values()):
            owners = other["metadata"].get("ownerReferences") or []
            if any(owner["uid"] == meta["uid"] for owner in owners):
                place = other["metadata"]
                self.remove(BY_KIND[other["kind"]], place["name"], namespace=place["namespace"])

    def _changed(self, event: str, body: Body) -> Body:
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)
        self.watch(body["kind"], event, copy.deepcopy(body))
        return copy.deepcopy(body)

    def _find(self, resource: Resource, name: str, namespace: str) -> Body:
        try:
            return self.objects[resource.kind, namespace if resource.namespaced else "", name]
        except KeyError:
            raise NotFoundError(f"no {resource.kind} {name}", status=404) from None

    async def _enter(self, verb: str, resource: Resource, name: str) -> None:
        self.calls[verb, resource.kind] += 1
        self.log.append((verb, resource.kind, name))
        await asyncio.sleep(0)
        error = self.refuse(verb, resource.kind, name)
        if error is not None:
            raise error


def is_watched(body: Body) -> bool:
    """Whether the operator's watches show an object: of namespaces only those with our label."""
    marks = body["metadata"].get("labels") or {}
    return body["kind"] != "Namespace" or NAMESPACE_SELECTOR in marks


def merge(current: Body, patch: Body) -> None:
    """Merge ``patch`` into ``current`` by RFC 7386."""
    for key, value in patch.items():
        if value is None:
            current.pop(key, None)
        elif isinstance(value, dict) and isinstance(current.get(key), dict):
            merge(current[key], value)
        else:
            current[key] = value


@dataclass
class FakeHub:
    """JupyterHub as the operator's seam shows it."""

    servers: dict[tuple[str, str], bool] = field(default_factory=dict)
    """Ready or pending, by owner and server."""
    stopped: set[tuple[str, str]] = field(default_factory=set)
    """Servers that do not run, but are listed until they are forgotten."""
    known_routes: set[tuple[str, str]] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    error: Exception | None = None
    slow: bool = False
    """Whether a new server stays pending."""
    calls: list[tuple[str, str, str]] = field(default_factory=list)

    async def start(self, owner: str, server: str) -> None:
        self._enter("start", owner, server)
        self.servers.setdefault((owner, server), not self.slow)
        self.stopped.discard((owner, server))
        self.known_routes.add((owner, server))

    async def stop(self, owner: str, server: str, *, forget: bool) -> bool:
        self._enter("forget" if forget else "stop", owner, server)
        if self.servers.pop((owner, server), None) is not None:
            self.stopped.add((owner, server))
        if forget:
            self.stopped.discard((owner, server))
        self.known_routes.discard((owner, server))
        return True

    async def server(self, owner: str, server: str) -> Server | None:
        self._enter("server", owner, server)
        if (owner, server) in self.stopped:
            return Server(ready=False, pending="")
        ready = self.servers.get((owner, server))
        return None if ready is None else Server(ready=ready, pending="" if ready else "spawn")

    async def routes(self) -> set[tuple[str, str]]:
        return set(self.known_routes)

    async def sync_routes(self) -> None:
        self.calls.append(("sync", "", ""))
        self.known_routes |= set(self.servers)

    def _enter(self, what: str, owner: str, server: str) -> None:
        self.calls.append((what, owner, server))
        if self.error is not None:
            raise self.error
        if owner in self.unknown:
            raise HubNotFoundError("no such user", status=404)


@dataclass
class World:
    """An engine on the fakes, whose time is told by the test."""

    kubernetes: FakeKubernetes
    hub: FakeHub
    context: Context
    engine: Engine
    clock: list[datetime]

    @property
    def namespace(self) -> str:
        return "practicum-spring"

    def let_the_lab_take_both_accelerators(self) -> None:
        """Make a class of the node's accelerators, and have the Lab ask for all of them."""
        self.make("AcceleratorClass", "a100", {"resourceName": "nvidia.com/gpu"})
        accelerator = {"className": "a100", "count": 2}
        self.kubernetes.edit(BY_KIND["Lab"], "lora", {"spec": {"accelerator": accelerator}})

    def make(self, kind: str, name: str, spec: Body) -> None:
        meta = {"name": name} | ({"namespace": self.namespace} if kind == "Sandbox" else {})
        body = {"apiVersion": API_VERSION, "kind": kind, "metadata": meta, "spec": spec}
        self.kubernetes.put(body)

    async def settle(self, seconds: float = 0.0) -> None:
        """Let time pass and everything that is due be done."""
        self.clock[0] += timedelta(seconds=seconds)
        queue = self.context.queue
        for _ in range(400):
            await asyncio.sleep(0)
            key = queue.take()
            if key is None:
                await self._ask_hub()
                # A timer that is due already puts its key back: what wakes in the past never rests.
                await asyncio.sleep(0)
                key = queue.take()
            if key is None:
                return
            await self.engine.reconcile(key)
            queue.done(key)
        raise AssertionError("it never comes to rest")

    async def _ask_hub(self) -> None:
        registrar = self.context.registrar
        while (key := registrar._queue.take()) is not None:
            await registrar._fulfil(key)
            registrar._queue.done(key)

    async def later(self, seconds: float, name: str = "one") -> None:
        """Let time pass and have a sandbox looked at, as its timer would."""
        self.clock[0] += timedelta(seconds=seconds)
        self.context.queue.add(Key("Sandbox", self.namespace, name))
        await self.settle()

    def sandbox(self, name: str = "one") -> Body:
        return self.kubernetes.objects["Sandbox", self.namespace, name]

    def status(self, name: str = "one") -> Body:
        status: Body = self.sandbox(name).get("status", {})
        return status

    def reason(self, name: str = "one", kind: str = "Ready") -> str:
        found = (item for item in self.status(name)["conditions"] if item["type"] == kind)
        return str(next(found)["reason"])

    def set(self, name: str = "one", **spec: Any) -> None:
        self.kubernetes.edit(SANDBOXES, name, {"spec": spec}, namespace=self.namespace)

    def pods(self) -> list[str]:
        return sorted(name for kind, _, name in self.kubernetes.objects if kind == "Pod")

    def run_pod(self, name: str = "one-1", *, ip: str = "10.0.0.9", restarts: int = 0) -> None:
        """Say of a Pod what scheduler and kubelet say of one that has come up."""
        moment = format_time(self.clock[0])
        self.say(
            name,
            {
                "phase": "Running",
                "podIP": ip,
                "conditions": [
                    {"type": kind, "status": "True", "lastTransitionTime": moment}
                    for kind in ("PodScheduled", "Ready")
                ],
                "containerStatuses": [
                    {"restartCount": restarts, "state": {"running": {"startedAt": moment}}}
                ],
            },
        )

    def say(self, name: str, status: Body) -> None:
        body = {"spec": {"nodeName": "node-1"}, "status": status}
        self.kubernetes.edit(PODS, name, body, namespace=self.namespace)

    def end_deleted_pods(self) -> None:
        for kind, place, name in list(self.kubernetes.objects):
            body = self.kubernetes.objects[kind, place, name]
            if kind == "Pod" and body["metadata"].get("deletionTimestamp"):
                self.kubernetes.end_pod(name, place)

    async def running(self, name: str = "one", **spec: Any) -> None:
        """Make a sandbox and bring it up."""
        self.make("Sandbox", name, {"owner": name, "lab": "lora"} | spec)
        await self.settle()
        self.run_pod(f"{name}-1")
        await self.settle()
        assert self.status(name)["phase"] == "Running"


@asynccontextmanager
async def open_world(
    kubernetes: FakeKubernetes, hub: FakeHub, *, at: datetime = NOW, **settings: Any
) -> AsyncIterator[World]:
    """Start an engine on what there is; nothing in it runs by itself."""
    clock = [at]
    kubernetes.now = lambda: clock[0]
    async with aiohttp.ClientSession() as session:
        made = Settings(
            _env_file=None, **({"stage_delay": 0, "news_delay": 0, "count_delay": 0} | settings)
        )
        context = build_context(made, kubernetes, hub, session, Metrics())
        context.now = lambda: clock[0]
        engine = Engine(context, hub)
        kinds = {resource.kind for resource, _ in (*RARE, *FREQUENT)}
        kubernetes.watch = lambda kind, event, body: (
            engine.observe(kind, event, body) if kind in kinds and is_watched(body) else None
        )
        world = World(kubernetes, hub, context, engine, clock)
        await engine.prime()
        await world.settle()
        yield world
        context.queue.close()
        context.registrar.close()


@pytest.fixture
def kubernetes() -> FakeKubernetes:
    """A cluster with a node of eight CPUs and two accelerators, a Lab and a Cohort."""
    fake = FakeKubernetes()
    fake.put(
        {
            "kind": "Node",
            "metadata": {"name": "node-1"},
            "status": {
                "allocatable": {"cpu": "8", "nvidia.com/gpu": "2"},
                "conditions": [
                    {"type": "Ready", "status": "True", "lastTransitionTime": format_time(NOW)}
                ],
            },
        }
    )
    for kind, name, spec in (
        ("Lab", "lora", {"title": {"en": "LoRA"}, "image": {"reference": "example/lab:1"}}),
        ("Cohort", "spring", {"labs": ["lora"]}),
    ):
        meta = {"name": name}
        fake.put({"apiVersion": API_VERSION, "kind": kind, "metadata": meta, "spec": spec})
    return fake


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub()


@pytest.fixture
async def world(kubernetes: FakeKubernetes, hub: FakeHub) -> AsyncIterator[World]:
    async with open_world(kubernetes, hub) as opened:
        yield opened


@pytest.fixture
def reopen() -> Iterator[Callable[..., Any]]:
    """Opens another world on the same cluster, as an operator does that was killed."""
    return open_world
