"""A real API server, the operator as a process with its own rights, a stand-in for kubelet and Hub.

There is no node and no scheduler here: `Kubelet` binds Pods and says what a node would say.
"""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import aiohttp
import pytest
import yaml
from aiohttp import web

from practicum_api.base import format_time
from practicum_api.names import API_VERSION, cohort_namespace, digest
from practicum_local.controlplane import ControlPlane
from practicum_local.paths import Paths
from practicum_local.release import CHART, DEMO_VALUES, Cluster
from practicum_operator.kubernetes import Kubernetes, KubernetesError, NotFoundError, QuotaError
from practicum_operator.resources import (
    BY_KIND,
    CLAIMS,
    COHORTS,
    EVENTS,
    LABS,
    NAMESPACES,
    NETWORK_POLICIES,
    NODES,
    PODS,
    SANDBOXES,
    SECRETS,
    Resource,
)

Body = dict[str, Any]

NODE = "node-1"
SYSTEM = "practicum"
PATIENCE = 60.0
LEASES = Resource("Lease", "leases", "coordination.k8s.io/v1")
_TEMPLATES = (
    "operator/rbac.yaml",
    "hub/rbac.yaml",
    "portal/rbac.yaml",
    "admission.yaml",
    "crds/acceleratorclasses.yaml",
    "crds/labs.yaml",
    "crds/cohorts.yaml",
    "crds/sandboxes.yaml",
)


@dataclass(frozen=True)
class Site:
    """The cluster as the chart leaves it, and how to act in it as admin or as the operator."""

    plane: ControlPlane
    admin: Path
    operator: Path


@pytest.fixture(scope="session")
def site(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """CRDs, roles and admission policies of the chart; a kubeconfig with the operator's rights."""
    cluster = Cluster(paths=Paths.from_environment(), kubeconfig=control_plane.kubeconfig)
    account = {"name": "operator", "namespace": SYSTEM}
    cluster.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account},
    )
    manifests = cluster.helm(
        "template", "practicum", str(CHART), f"--namespace={SYSTEM}", "--kube-version=1.36.0",
        f"--values={DEMO_VALUES}", *(f"--show-only=templates/{name}" for name in _TEMPLATES),
    )  # fmt: skip
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", body=manifests)
    cluster.kubectl("wait", "--for=condition=Established", "crd/sandboxes.practicum.dev")
    token = cluster.kubectl("create", "token", "operator", f"--namespace={SYSTEM}").strip()
    config = yaml.safe_load(control_plane.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    path = tmp_path_factory.mktemp("operator") / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return Site(control_plane, control_plane.kubeconfig, path)


@pytest.fixture
async def kube(site: Site) -> AsyncIterator[Kubernetes]:
    """A client with all rights."""
    async with Kubernetes.connect(site.admin, connections=32, wait=30) as client:
        yield client


@dataclass
class FakeHub:
    """JupyterHub's API as the operator uses it: servers, routes, and ways to misbehave."""

    url: str = ""
    servers: dict[tuple[str, str], str] = field(default_factory=dict)
    routes: set[tuple[str, str]] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    away: bool = False
    calls: list[tuple[str, str, str]] = field(default_factory=list)

    def application(self) -> web.Application:
        app = web.Application()
        path = "/hub/api/users/{user}/servers/{server}"
        app.add_routes(
            [
                web.post(path, self._start),
                web.get(path, self._get),
                web.delete(path, self._stop),
                web.get("/hub/api/proxy", self._routes),
                web.post("/hub/api/proxy", self._sync),
            ]
        )
        return app

    def _seen(self, request: web.Request) -> tuple[str, str]:
        key = (request.match_info["user"], request.match_info["server"])
        self.calls.append((request.method, *key))
        if self.away:
            raise web.HTTPServiceUnavailable
        if key[0] in self.unknown:
            raise web.HTTPNotFound
        return key

    async def _start(self, request: web.Request) -> web.Response:
        key = self._seen(request)
        if key in self.servers:
            raise web.HTTPBadRequest
        self.servers[key] = "ready"
        self.routes.add(key)
        return web.Response(status=201)

    async def _get(self, request: web.Request) -> web.Response:
        key = self._seen(request)
        if key not in self.servers:
            raise web.HTTPNotFound
        return web.json_response({"ready": True, "pending": None})

    async def _stop(self, request: web.Request) -> web.Response:
        key = self._seen(request)
        self.routes.discard(key)
        if self.servers.pop(key, None) is None:
            raise web.HTTPNotFound
        return web.Response(status=204)

    async def _routes(self, _request: web.Request) -> web.Response:
        if self.away:
            raise web.HTTPServiceUnavailable
        return web.json_response(
            {f"/{u}/{s}": {"data": {"user": u, "server_name": s}} for u, s in self.routes}
        )

    async def _sync(self, _request: web.Request) -> web.Response:
        self.routes |= set(self.servers)
        return web.Response()


@pytest.fixture
async def hub() -> AsyncIterator[FakeHub]:
    fake = FakeHub()
    runner = web.AppRunner(fake.application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hub/api"
    yield fake
    await runner.cleanup()


class OperatorProcess:
    """`python -m practicum_operator`, to be started, stopped and killed."""

    def __init__(self, site: Site, hub: FakeHub, log: Path) -> None:
        self._environment = {
            **os.environ,
            "PRACTICUM_KUBECONFIG": str(site.operator),
            "PRACTICUM_HUB_API_URL": hub.url,
            "PRACTICUM_HUB_TOKEN": "hub-token-of-the-operator",
            "PRACTICUM_LISTEN_HOST": "127.0.0.1",
            "PRACTICUM_LISTEN_PORT": "0",
            "PRACTICUM_LOG_LEVEL": "DEBUG",
            "PRACTICUM_RETRY_DELAY": "1",
            "PRACTICUM_ROUTE_CHECK": "1",
            "PRACTICUM_IMAGE_TIMEOUT": "2",
            "PRACTICUM_COUNT_DELAY": "1",
            "PRACTICUM_TERMINATION_GRACE": "1",
        }
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **settings: str) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "practicum_operator"],
                env={**self._environment, **settings},
                stdout=log,
                stderr=log,
            )

    async def ready(self) -> None:
        async def look() -> bool:
            try:
                return (await self._get("readyz"))[0] == 200
            except aiohttp.ClientError:
                return False

        await eventually(look, "operator ready")

    async def writes(self) -> int:
        """Return how many requests that change something this process has sent."""
        _, text = await self._get("metrics")
        found = re.findall(r'practicum_api_requests_total\{.*verb="(\w+)".*\} ([0-9.]+)', text)
        return sum(int(float(n)) for verb, n in found if verb not in {"get", "list", "watch"})

    async def _get(self, path: str) -> tuple[int, str]:
        port = re.findall(r"listening on port (\d+)", self.log.read_text())[-1:] or ["1"]
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port[0]}/{path}") as response,
        ):
            return response.status, await response.text()

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def stop(self) -> int:
        return self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(number)
        return process.wait(timeout=PATIENCE)


@pytest.fixture
def operator(site: Site, hub: FakeHub, tmp_path: Path) -> Iterator[OperatorProcess]:
    """The operator, not started yet; whatever a test does, it ends with it."""
    process = OperatorProcess(site, hub, tmp_path / "operator.log")
    yield process
    process.kill()
    if process.log.exists():
        sys.stdout.write(process.log.read_text())


class Kubelet:
    """Plays scheduler and kubelet: binds Pods and says that they run, and ends deleted ones."""

    def __init__(self, kube: Kubernetes) -> None:
        self._kube = kube
        self.hold: Callable[[str], bool] = lambda _name: False
        """Pods of these names are left alone."""
        self.script: Callable[[str], Body | None] = lambda _name: None
        """The state of a container that does not come up, for Pods of these names."""
        self.stuck: set[str] = set()
        """Pods that do not end although they should."""
        self.seen: list[tuple[str, str]] = []

    def seen_in(self, namespace: str) -> list[str]:
        """Return every Pod that was ever there."""
        return [name for place, name in self.seen if place == namespace]

    async def run(self) -> None:
        beats = 0
        while True:
            with contextlib.suppress(KubernetesError):
                if beats % 50 == 0:
                    await self._beat()
                beats += 1
                listing = await self._kube.list(
                    PODS, selector="app.kubernetes.io/component=sandbox"
                )
                for pod in listing.items:
                    await self._look_at(pod)
            await asyncio.sleep(0.1)

    async def _beat(self) -> None:
        """Say that the node lives; else the controllers take it for lost after a while."""
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": NODE, "namespace": "kube-node-lease"},
            "spec": {
                "holderIdentity": NODE,
                "leaseDurationSeconds": 40,
                "renewTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            },
        }
        await self._kube.apply(LEASES, lease)

    async def _look_at(self, pod: Body) -> None:
        meta, status = pod["metadata"], pod.get("status", {})
        place = (meta["namespace"], meta["name"])
        if place not in self.seen:
            self.seen.append(place)
        if meta.get("deletionTimestamp"):
            if meta["name"] not in self.stuck:
                await self.end(*place)
        elif self.hold(meta["name"]) or status.get("containerStatuses"):
            return
        elif not pod["spec"].get("nodeName"):
            await self.bind(*place)
        elif (state := self.script(meta["name"])) is not None:
            await self.say(*place, coming_up(state))
        else:
            await self.say(*place, running(len(self.seen)))

    async def bind(self, namespace: str, name: str) -> None:
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name},
            "target": {"kind": "Node", "name": NODE},
        }
        await self._kube._request(
            "create", PODS, PODS.path(namespace, name, "binding"), body=binding
        )

    async def say(self, namespace: str, name: str, status: Body) -> None:
        await self._kube.merge_patch(
            PODS, name, {"status": status}, namespace=namespace, subresource="status"
        )

    async def node_ready(self, status: str) -> None:
        """Have the node say that it is ready, or have nobody know."""
        condition = {
            "type": "Ready",
            "status": status,
            "reason": "Test",
            "lastTransitionTime": format_time(datetime.now(UTC)),
        }
        await self._kube.merge_patch(
            NODES, NODE, {"status": {"conditions": [condition]}}, subresource="status"
        )

    async def end(self, namespace: str, name: str) -> None:
        with contextlib.suppress(NotFoundError):
            await self._kube._request(
                "delete", PODS, PODS.path(namespace, name), body={"gracePeriodSeconds": 0}
            )


def running(number: int = 1) -> Body:
    """Return the status of a Pod that runs and is ready."""
    now = format_time(datetime.now(UTC))
    address = f"10.0.{number // 250}.{number % 250 + 1}"
    return {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": [
            {"type": kind, "status": "True", "lastTransitionTime": now}
            for kind in ("PodScheduled", "ContainersReady", "Ready")
        ],
        "containerStatuses": [container({"running": {"startedAt": now}}, ready=True)],
    }


def coming_up(state: Body) -> Body:
    """Return the status of a Pod that was scheduled and whose container is in ``state``."""
    now = format_time(datetime.now(UTC))
    return {
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": now}],
        "containerStatuses": [container(state)],
    }


def container(state: Body, *, ready: bool = False, restarts: int = 0) -> Body:
    """Return a container's status."""
    return {
        "name": "sandbox",
        "ready": ready,
        "restartCount": restarts,
        "image": "example/lab:1",
        "imageID": "sha256:0123",
        "state": state,
    }


@pytest.fixture
async def kubelet(kube: Kubernetes) -> AsyncIterator[Kubelet]:
    player = Kubelet(kube)
    task = asyncio.create_task(player.run())
    yield player
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@dataclass
class Room:
    """One test's own Cohort, and the ways to act and look in it."""

    kube: Kubernetes
    cohort: str

    @property
    def namespace(self) -> str:
        return cohort_namespace(self.cohort)

    async def sandbox(self, name: str, owner: str = "", **spec: Any) -> Body:
        owner = owner or name
        return await self.make(SANDBOXES, name, {"owner": owner, "lab": "lora", **spec})

    async def make(self, resource: Resource, name: str, spec: Body) -> Body:
        meta = {"name": name} | ({"namespace": self.namespace} if resource.namespaced else {})
        body = {"apiVersion": API_VERSION, "kind": resource.kind, "metadata": meta, "spec": spec}
        return await self.kube.create(resource, body)

    async def set(self, name: str, **spec: Any) -> None:
        await self.kube.merge_patch(SANDBOXES, name, {"spec": spec}, namespace=self.namespace)

    async def status(self, name: str) -> Body:
        body = await self.kube.get(SANDBOXES, name, self.namespace)
        status: Body = body.get("status", {})
        return status

    async def phase(self, name: str, *phases: str) -> Body:
        """Wait until a sandbox is in one of ``phases``; return its status."""

        async def there() -> Body | None:
            status = await self.status(name)
            return status if status.get("phase") in phases else None

        return await eventually(there, f"{name} in {phases}")

    async def reason(self, name: str, reason: str) -> Body:
        """Wait until a sandbox gives ``reason`` for being ready or not; return its status."""

        async def there() -> Body | None:
            status = await self.status(name)
            return status if condition(status, "Ready").get("reason") == reason else None

        return await eventually(there, f"{name} for {reason}")

    async def gone(self, resource: Resource, name: str, namespace: str = "") -> None:
        async def there() -> bool:
            try:
                await self.kube.get(resource, name, namespace)
            except NotFoundError:
                return True
            return False

        await eventually(there, f"{resource.kind} {name} gone")

    async def empty(self, resource: Resource) -> None:
        async def nothing() -> bool:
            return not await self.names(resource)

        await eventually(nothing, f"no {resource.plural}")

    async def names(self, resource: Resource) -> list[str]:
        listing = await self.kube.list(resource, namespace=self.namespace)
        return sorted(item["metadata"]["name"] for item in listing.items)

    async def object_says(self, resource: Resource, name: str, reason: str) -> Body:
        """Wait until an object gives ``reason`` in its Ready condition; return its status."""

        async def there() -> Body | None:
            status = (await self.kube.get(resource, name)).get("status", {})
            return status if condition(status, "Ready").get("reason") == reason else None

        return await eventually(there, f"{resource.kind} {name} for {reason}")

    async def cohort_says(self, reason: str) -> Body:
        return await self.object_says(COHORTS, self.cohort, reason)

    async def cohort_ready(self) -> Body:
        return await self.cohort_says("Ready")

    async def attempt(self, name: str, number: int) -> Body:
        """Wait until a sandbox runs in attempt ``number``; return its status."""

        async def there() -> Body | None:
            status = await self.status(name)
            ready = status.get("phase") == "Running" and status["attempt"] == number
            return status if ready else None

        return await eventually(there, f"{name} running in attempt {number}")

    async def attempt_number(self, name: str, number: int) -> None:
        """Wait until a sandbox is in attempt ``number``, whatever its phase."""

        async def there() -> bool:
            return bool((await self.status(name)).get("attempt") == number)

        await eventually(there, f"{name} in attempt {number}")

    async def spec(self, name: str) -> Body:
        spec: Body = (await self.kube.get(SANDBOXES, name, self.namespace))["spec"]
        return spec

    async def true(self, holds: Callable[[], bool]) -> None:
        async def look() -> bool:
            return holds()

        await eventually(look, "what was waited for")

    async def quota_known(self, name: str) -> None:
        """Wait until the quota is enforced: counting and knowing of it take a moment."""
        probe = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "probe", "namespace": self.namespace},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "2Gi"}},
            },
        }

        async def known() -> bool:
            try:
                await self.kube.apply(CLAIMS, probe, dry_run=True)
            except QuotaError:
                return True
            return False

        await eventually(known, f"quota {name} counted")

    async def versions(self) -> dict[str, str]:
        """Return the resource version of everything here that the operator may write."""
        found = {}
        for resource in (SANDBOXES, PODS, SECRETS, CLAIMS, COHORTS, LABS):
            namespace = self.namespace if resource.namespaced else ""
            for item in (await self.kube.list(resource, namespace=namespace)).items:
                meta = item["metadata"]
                found[f"{resource.kind} {meta['name']}"] = meta["resourceVersion"]
        return found

    async def settled(self) -> None:
        """Wait until nothing here is written any more, late counts included."""
        before: dict[str, str] = {}

        async def still() -> bool:
            nonlocal before
            after = await self.versions()
            same, before = after == before, after
            await asyncio.sleep(3)
            return same

        await eventually(still, "no more writes")

    async def policy_shut(self, name: str) -> None:
        async def shut() -> bool:
            body = await self.kube.get(NETWORK_POLICIES, name, self.namespace)
            return "ingress" not in body["spec"]

        await eventually(shut, f"policy {name} shut again")

    events: ClassVar[Resource] = EVENTS

    async def usage(self) -> Body:
        cohort = await self.kube.get(COHORTS, self.cohort)
        usage: Body = cohort["status"].get("usage", {})
        return usage


def condition(status: Body, kind: str) -> Body:
    """Return a condition of a status, empty if there is none."""
    return next((item for item in status.get("conditions", []) if item["type"] == kind), {})


async def eventually(look: Callable[[], Awaitable[Any]], what: str) -> Any:
    """Look until something is there; return it."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while asyncio.get_running_loop().time() < deadline:
        found = await look()
        if found:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"never: {what}")


@pytest.fixture
async def lab(kube: Kubernetes) -> str:
    await ensure_node(kube)
    body = {
        "apiVersion": API_VERSION,
        "kind": "Lab",
        "metadata": {"name": "lora"},
        "spec": {"title": {"en": "LoRA"}, "image": {"reference": "example/lab:1"}},
    }
    await kube.apply(BY_KIND["Lab"], body)
    return "lora"


async def ensure_node(kube: Kubernetes) -> None:
    await kube.apply(NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}})
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    room = {"cpu": "16", "memory": "64Gi", "pods": "200", "nvidia.com/gpu": "2"}
    status = {"allocatable": room, "capacity": room, "conditions": [ready]}
    await kube.merge_patch(NODES, NODE, {"status": status}, subresource="status")


@pytest.fixture
async def room(kube: Kubernetes, lab: str, request: pytest.FixtureRequest) -> AsyncIterator[Room]:
    """A Cohort of this test's own; the operator is not started yet."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[5:36].strip("-")
    name = f"{words}-{digest(request.node.name)}"
    place = Room(kube, name)
    await place.make(COHORTS, name, {"labs": [lab], "deletionPolicy": "Cascade"})
    yield place
    await sweep(kube, place)


async def sweep(kube: Kubernetes, place: Room) -> None:
    """Remove what a test left, whether the operator still runs or not."""
    for resource, namespace in ((SANDBOXES, place.namespace), (COHORTS, "")):
        listing = await kube.list(resource, namespace=namespace)
        for item in listing.items:
            meta = item["metadata"]
            # Shown when the test has failed.
            sys.stdout.write(yaml.safe_dump({meta["name"]: item.get("status"), "meta": meta}))
            if resource is COHORTS and meta["name"] != place.cohort:
                continue
            with contextlib.suppress(NotFoundError):
                await kube.merge_patch(
                    resource, meta["name"], {"metadata": {"finalizers": None}}, namespace=namespace
                )
                await kube.delete(resource, meta["name"], namespace=namespace)
    with contextlib.suppress(NotFoundError):
        await kube.delete(NAMESPACES, place.namespace)
