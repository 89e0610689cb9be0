"""What the operator costs: calls, processor time and seconds, on a real API server and fake nodes.

The Hub is a stand-in that answers at once, so that the figures are the operator's and the API
server's. Nothing here fails on a slow machine; that nothing is written twice, nor at a restart, nor
when idle, is held to.
"""

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from aiohttp import web

from practicum_api.crd import KINDS, definition
from practicum_api.names import API_VERSION, cohort_namespace
from practicum_local import components, programs
from practicum_local.controlplane import ControlPlane
from practicum_local.paths import Paths
from practicum_local.process import Child
from practicum_operator.kubernetes import Kubernetes
from practicum_operator.resources import COHORTS, LABS, NODES, PODS, SANDBOXES, Resource

BURST = int(os.environ.get("PRACTICUM_BENCH_SANDBOXES", "500"))
MANY = 4 * BURST
IN_FLIGHT = 32
NODE_COUNT = 10
IDLE_SECONDS = 60
COUNT_SECONDS = 15
CRDS = Resource(
    "CustomResourceDefinition",
    "customresourcedefinitions",
    "apiextensions.k8s.io/v1",
    namespaced=False,
)

SCHEDULER = """
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: {leaderElect: false}
clientConnection: {kubeconfig: %s, qps: 1000, burst: 1000}
profiles:
  # No volumes are made here, so nothing waits for them.
  - schedulerName: default-scheduler
    plugins:
      multiPoint:
        disabled: [{name: VolumeBinding}, {name: VolumeZone}, {name: NodeVolumeLimits}]
"""

STAGES = """
apiVersion: config.kwok.x-k8s.io/v1alpha1
kind: KwokConfiguration
options: {podPlayStageParallelism: 16, nodePlayStageParallelism: 1, nodeLeaseParallelism: 1}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: server-answers}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
      - {key: .metadata.deletionTimestamp, operator: DoesNotExist}
      - {key: .status.phase, operator: In, values: [Pending]}
  delay: {durationMilliseconds: 500, jitterDurationMilliseconds: 1000}
  next:
    statusTemplate: |
      phase: Running
      podIP: 10.0.0.1
      podIPs:
      - ip: 10.0.0.1
      startTime: {{ Now }}
      conditions:
      - {type: ContainersReady, status: "True", lastTransitionTime: {{ Now }} }
      - {type: Ready, status: "True", lastTransitionTime: {{ Now }} }
      containerStatuses:
      - name: sandbox
        image: example/lab:1
        imageID: sha256:00
        ready: true
        restartCount: 0
        state: {running: {startedAt: {{ Now }} } }
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: node-kept}
spec:
  resourceRef: {apiGroup: v1, kind: Node}
  selector:
    matchExpressions:
      - {key: .metadata.labels.never, operator: Exists}
  next:
    statusTemplate: ""
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: gone}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
      - {key: .metadata.deletionTimestamp, operator: Exists}
  next: {delete: true}
"""


@dataclass
class Bench:
    """A control plane with fake nodes, and what drives and measures it."""

    plane: ControlPlane
    folder: Path
    children: list[Child] = field(default_factory=list)
    routes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the stand-in for the Hub remembers."""

    def start(self, name: str, argv: list[str]) -> None:
        self.children.append(Child(name, argv, self.folder / f"{name}.log"))

    def start_nodes(self) -> None:
        """Start controllers, scheduler and kwok."""
        plane, paths = self.plane.plane, Paths.from_environment()
        controllers = "namespace-controller,serviceaccount-controller,resourcequota-controller"
        self.start("controllers", [*plane.controller_manager(), f"--controllers={controllers}"])
        config = self.folder / "scheduler.yaml"
        config.write_text(SCHEDULER % plane.kubeconfig(components.SCHEDULER))
        self.start(
            "scheduler", [*plane.scheduler(), f"--config={config}", "--authentication-skip-lookup"]
        )
        stages = self.folder / "kwok.yaml"
        stages.write_text(STAGES)
        kwok = programs.ensure(programs.PROGRAMS["kwok"], paths)
        self.start(
            "kwok",
            [
                str(kwok),
                f"--kubeconfig={self.plane.kubeconfig}",
                "--manage-all-nodes",
                f"--config={stages}",
                "--node-lease-duration-seconds=0",
            ],
        )

    def operator(self, hub: str) -> "Operator":
        return Operator(self.plane.kubeconfig, hub, self.folder / "operator.log")


class Operator:
    """The operator as a process, and what it says of itself."""

    def __init__(self, kubeconfig: Path, hub: str, log: Path) -> None:
        self._log = log
        log.unlink(missing_ok=True)
        environment = {
            "PRACTICUM_KUBECONFIG": str(kubeconfig),
            "PRACTICUM_HUB_API_URL": hub,
            "PRACTICUM_HUB_TOKEN": "bench",
            "PRACTICUM_LISTEN_HOST": "127.0.0.1",
            "PRACTICUM_LISTEN_PORT": "0",
            "PRACTICUM_MAX_STARTING": "100000",
            "PRACTICUM_LOG_LEVEL": "INFO",
        }
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "practicum_operator"],
                env={**os.environ, **environment},
                stdout=output,
                stderr=output,
            )
        self._psutil = psutil.Process(self._process.pid)

    async def ready(self) -> None:
        async def look() -> bool:
            try:
                return (await self._get("readyz"))[0] == 200
            except aiohttp.ClientError:
                return False

        await eventually(look, "operator ready")

    def cpu_seconds(self) -> float:
        times = self._psutil.cpu_times()
        return float(times.user + times.system)

    def memory_mib(self) -> float:
        return float(self._psutil.memory_info().rss) / 2**20

    async def calls(self) -> dict[str, int]:
        """Return the requests to the API server so far, by verb and resource."""
        _, text = await self._get("metrics")
        pattern = (
            r'practicum_api_requests_total\{code="(\d+)",resource="(\w+)",verb="(\w+)"\} (\S+)'
        )
        counts: dict[str, int] = {}
        for _code, resource, verb, number in re.findall(pattern, text):
            name = f"{verb} {resource}"
            if verb != "watch":
                counts[name] = counts.get(name, 0) + int(float(number))
        return counts

    async def writes(self) -> int:
        calls = await self.calls()
        return sum(n for name, n in calls.items() if name.split()[0] not in {"get", "list"})

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=60)

    async def _get(self, path: str) -> tuple[int, str]:
        port = re.findall(r"listening on port (\d+)", self._log.read_text())[-1:] or ["1"]
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port[0]}/{path}") as response,
        ):
            return response.status, await response.text()


async def eventually(look: Callable[[], Awaitable[Any]], what: str, seconds: float = 300) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = await look()
        if found:
            return found
        await asyncio.sleep(0.25)
    raise AssertionError(f"never: {what}")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with ControlPlane() as plane:
        made = Bench(plane, tmp_path_factory.mktemp("bench"))
        try:
            made.start_nodes()
            yield made
        finally:
            for child in made.children:
                child.kill()


@pytest.fixture
async def kube(bench: Bench) -> AsyncIterator[Kubernetes]:
    async with Kubernetes.connect(bench.plane.kubeconfig, connections=IN_FLIGHT, wait=60) as client:
        yield client


@pytest.fixture
async def hub(bench: Bench) -> AsyncIterator[str]:
    """A Hub that does everything at once, says yes to all, and remembers its routes."""
    routes = bench.routes

    async def serve(request: web.Request) -> web.Response:
        user, server = request.match_info["user"], request.match_info["server"]
        routes[f"/{user}/{server}"] = {"data": {"user": user, "server_name": server}}
        return web.json_response({"ready": True, "pending": None})

    async def table(request: web.Request) -> web.Response:
        first, count = int(request.query["offset"]), int(request.query["limit"])
        return web.json_response(dict(list(routes.items())[first : first + count]))

    app = web.Application()
    app.router.add_route("*", "/hub/api/users/{user}/servers/{server}", serve)
    app.router.add_get("/hub/api/proxy", table)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/hub/api"
    await runner.cleanup()


async def furnish(kube: Kubernetes) -> None:
    """Make the CRDs, the nodes and a Lab."""
    for kind in KINDS:
        await kube.apply(CRDS, definition(kind))

    async def known() -> bool:
        return bool((await kube.get(CRDS, "sandboxes.practicum.dev"))["status"].get("conditions"))

    await eventually(known, "CRDs")
    await asyncio.sleep(2)
    room = {"cpu": "1000", "memory": "4000Gi", "pods": "1000", "ephemeral-storage": "4000Gi"}
    for number in range(NODE_COUNT):
        name = f"node-{number}"
        await kube.apply(NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
        ready = {"type": "Ready", "status": "True", "reason": "Bench"}
        status = {"allocatable": room, "capacity": room, "conditions": [ready]}
        await kube.merge_patch(NODES, name, {"status": status}, subresource="status")
        # New nodes are tainted until the controller for that, which does not run here, sees them.
        await kube.merge_patch(NODES, name, {"spec": {"taints": None}})
    spec = {"title": {"en": "Bench"}, "image": {"reference": "example/lab:1"}}
    await kube.apply(LABS, resource(LABS, "bench", spec))


def resource(kind: Resource, name: str, spec: dict[str, Any], namespace: str = "") -> Any:
    meta = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": API_VERSION, "kind": kind.kind, "metadata": meta, "spec": spec}


async def open_cohort(kube: Kubernetes, name: str) -> str:
    await kube.create(COHORTS, resource(COHORTS, name, {"labs": ["bench"]}))

    async def ready() -> bool:
        status = (await kube.get(COHORTS, name)).get("status", {})
        return any(item["status"] == "True" for item in status.get("conditions", []))

    await eventually(ready, f"cohort {name}")
    return cohort_namespace(name)


async def create_sandboxes(kube: Kubernetes, namespace: str, count: int, **spec: Any) -> None:
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def create(number: int) -> None:
        owner = f"{namespace.removeprefix('practicum-')}{number}"
        async with gate:
            body = {"owner": owner, "lab": "bench", **spec}
            await kube.create(SANDBOXES, resource(SANDBOXES, f"s{number}", body, namespace))

    await asyncio.gather(*(create(number) for number in range(count)))


async def ready_pods(kube: Kubernetes, namespace: str) -> int:
    pods = (await kube.list(PODS, namespace=namespace)).items
    return sum(pod.get("status", {}).get("phase") == "Running" for pod in pods)


async def in_phase(kube: Kubernetes, namespace: str, phase: str) -> int:
    sandboxes = (await kube.list(SANDBOXES, namespace=namespace)).items
    return sum(item.get("status", {}).get("phase") == phase for item in sandboxes)


async def test_five_hundred_at_once(bench: Bench, kube: Kubernetes, hub: str, report) -> None:
    await furnish(kube)
    operator = bench.operator(hub)
    await operator.ready()
    namespace = await open_cohort(kube, "burst")
    await asyncio.sleep(3)
    calls, cpu, api_cpu = await operator.calls(), operator.cpu_seconds(), bench.plane.cpu_seconds()
    began = time.monotonic()
    await create_sandboxes(kube, namespace, BURST)

    async def pods() -> bool:
        return await ready_pods(kube, namespace) == BURST

    await eventually(pods, "all Pods ready")
    pods_after = time.monotonic() - began

    async def all_ready() -> bool:
        return await in_phase(kube, namespace, "Running") == BURST

    await eventually(all_ready, "all sandboxes ready")
    ready_after = time.monotonic() - began
    cpu, api_cpu = operator.cpu_seconds() - cpu, bench.plane.cpu_seconds() - api_cpu
    after = await operator.calls()
    made = {name: (n - calls.get(name, 0)) / BURST for name, n in sorted(after.items())}
    made = {name: round(n, 3) for name, n in made.items() if n}
    total = round(sum(made.values()), 3)
    report.add(
        sandboxes=BURST,
        api_calls_per_sandbox={"total": total, **made},
        operator_cpu_ms_per_sandbox=round(1000 * cpu / BURST, 2),
        api_server_cpu_ms_per_sandbox=round(1000 * api_cpu / BURST, 1),
        seconds_until_all_pods_ready=round(pods_after, 1),
        seconds_until_all_sandboxes_ready=round(ready_after, 1),
        operator_memory_mib=round(operator.memory_mib()),
    )
    # Counts in the status of Cohort and Lab follow later; the next start must find nothing to do.
    await asyncio.sleep(COUNT_SECONDS)
    operator.stop()
    # Status writes may be more on a machine so slow that stages last; nothing is written twice.
    once = {name: n for name, n in made.items() if not name.startswith("patch_status")}
    assert once == {
        "create persistentvolumeclaims": 1.0,
        "create pods": 1.0,
        "create secrets": 1.0,
        "patch sandboxes": 1.0,
    }


async def test_a_restart_and_an_idle_minute(
    bench: Bench, kube: Kubernetes, hub: str, report
) -> None:
    operator = bench.operator(hub)
    await operator.ready()
    await asyncio.sleep(10)
    restart = await operator.writes()
    cpu = operator.cpu_seconds()
    await asyncio.sleep(IDLE_SECONDS)
    idle = await operator.writes() - restart
    report.add(
        restart_writes=restart,
        idle_writes_per_minute=round(idle * 60 / IDLE_SECONDS, 1),
        idle_cpu_percent=round(100 * (operator.cpu_seconds() - cpu) / IDLE_SECONDS, 2),
        startup_cpu_seconds={str(BURST): round(cpu, 2)},
    )
    operator.stop()
    assert (restart, idle) == (0, 0)


async def test_the_start_of_the_operator_is_linear(
    bench: Bench, kube: Kubernetes, hub: str, report
) -> None:
    operator = bench.operator(hub)
    await operator.ready()
    namespace = await open_cohort(kube, "many")
    wanted = MANY - BURST
    await create_sandboxes(kube, namespace, wanted, desiredState="Suspended")

    async def settled() -> bool:
        return await in_phase(kube, namespace, "Suspended") == wanted

    await eventually(settled, "all suspended")
    await asyncio.sleep(15)
    operator.stop()
    operator = bench.operator(hub)
    await operator.ready()
    await asyncio.sleep(10)
    report.add(
        startup_cpu_seconds=report.figures["startup_cpu_seconds"]
        | {str(MANY): round(operator.cpu_seconds(), 2)},
        memory_mib_at_many=round(operator.memory_mib()),
        restart_writes_at_many=await operator.writes(),
    )
    operator.stop()
    assert report.figures["restart_writes_at_many"] == 0
