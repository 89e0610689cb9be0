"""The portal as a process, with its own rights on a real API server, signed in by a real Hub."""

import contextlib
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from practicum_local.controlplane import ControlPlane
from practicum_local.paths import Paths
from practicum_local.release import CHART, DEMO_VALUES, Cluster, ReleaseError

SYSTEM = "practicum"
COHORT = "spring"
_TEMPLATES = (
    "portal/rbac.yaml",
    "crds/acceleratorclasses.yaml",
    "crds/labs.yaml",
    "crds/cohorts.yaml",
    "crds/sandboxes.yaml",
)


def _hub_fixtures() -> Any:
    """Return the Hub's own test platform, which lives beside its tests."""
    path = Path(__file__).parents[1] / "hub" / "conftest.py"
    spec = importlib.util.spec_from_file_location("practicum_hub_platform", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


hub_fixtures = _hub_fixtures()


class Room:
    """The cluster as the chart leaves it, and what the operator would do in it."""

    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        self.plane = plane
        self.cluster = Cluster(paths=Paths.from_environment(), kubeconfig=plane.kubeconfig)
        self.kubeconfig = folder / "portal-kubeconfig"
        account = {"name": "portal", "namespace": SYSTEM}
        self.cluster.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM}},
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account},
        )
        manifests = self.cluster.helm(
            "template",
            "practicum",
            str(CHART),
            f"--namespace={SYSTEM}",
            "--kube-version=1.36.0",
            f"--values={DEMO_VALUES}",
            *(f"--show-only=templates/{name}" for name in _TEMPLATES),
        )
        apply = ("apply", "--server-side", "--force-conflicts", "--filename=-")
        self.cluster.kubectl(*apply, body=manifests)
        for kind in ("sandboxes", "cohorts", "labs", "acceleratorclasses"):
            hub_fixtures.wait_until(f"{kind} are served", lambda kind=kind: self._served(kind))
        token = self.cluster.kubectl("create", "token", "portal", f"--namespace={SYSTEM}").strip()
        config = yaml.safe_load(plane.kubeconfig.read_text())
        config["users"][0]["user"] = {"token": token}
        self.kubeconfig.write_text(yaml.safe_dump(config))

    def _served(self, kind: str) -> bool:
        with contextlib.suppress(ReleaseError):
            self.cluster.get(kind, "--all-namespaces")
            return True
        return False

    def lab(self, name: str = "lora") -> None:
        """Make a Lab that can be started."""
        spec = {
            "title": {"en": "LoRA", "zh-CN": "低秩适配"},
            "image": {"reference": "registry/sandbox:1"},
            "runs": {"metrics": ["accuracy"]},
        }
        self._apply("Lab", {"name": name}, spec)
        self.status("lab", name, conditions=[ready("Accepted")])

    def cohort(self, name: str = COHORT) -> None:
        """Make a Cohort and its room, with the portal's binding in it."""
        self._apply("Cohort", {"name": name}, {"labs": ["lora"]})
        namespace = f"practicum-{name}"
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "practicum-portal", "namespace": namespace},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "practicum-portal-cohort",
            },
            "subjects": [{"kind": "ServiceAccount", "name": "portal", "namespace": SYSTEM}],
        }
        self.cluster.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}, binding
        )
        self.status("cohort", name, conditions=[ready("Ready")], namespace=namespace)

    def status(self, kind: str, name: str, *, namespace: str = "", **status: Any) -> None:
        """Write a status as the operator does."""
        if kind == "cohort":
            status["namespace"] = namespace
            namespace = ""
        place = (f"--namespace={namespace}",) if namespace else ()
        patch = json.dumps({"status": status})
        self.cluster.kubectl(
            "patch", kind, name, *place, "--subresource=status", "--type=merge", f"--patch={patch}"
        )

    def sandbox(self, name: str, cohort: str = COHORT) -> dict[str, Any]:
        """Return a Sandbox as the API server has it."""
        place = f"--namespace=practicum-{cohort}"
        return self.cluster.get("sandbox", name, place, "--show-managed-fields")

    def sandboxes(self, cohort: str = COHORT) -> list[str]:
        """Return the names of all Sandboxes in a cohort."""
        found = self.cluster.get("sandbox", f"--namespace=practicum-{cohort}")
        return [item["metadata"]["name"] for item in found["items"]]

    def _apply(self, kind: str, metadata: dict[str, Any], spec: dict[str, Any]) -> None:
        self.cluster.apply(
            {
                "apiVersion": "practicum.dev/v1alpha1",
                "kind": kind,
                "metadata": metadata,
                "spec": spec,
            }
        )


def ready(reason: str) -> dict[str, Any]:
    """Return a `Ready` condition that holds."""
    return {
        "type": "Ready",
        "status": "True",
        "reason": reason,
        "message": "",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-03-01T08:00:00Z",
    }


class PortalProcess:
    """`python -m practicum_portal`, and clients of it."""

    def __init__(self, hub: Any, room: Room, folder: Path, **settings: str) -> None:
        self.hub = hub
        self.room = room
        self.url = hub.portal
        self.port = int(httpx.URL(hub.portal).port or 0)
        self.metrics_port = hub_fixtures.unused_port()
        self.database = folder / "portal.db"
        self._clients: list[httpx.Client] = []
        self._process = hub_fixtures.Process(
            [sys.executable, "-m", "practicum_portal"],
            folder / "portal.log",
            self._environment(settings),
        )

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self._process.start()
        self.until("the portal is ready", self._ready)

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()

    def terminate(self) -> int:
        """Ask it to end, and return how it did."""
        child = self._process._child
        child.terminate()
        code = child.wait(hub_fixtures.DEADLINE)
        self._process._child = None
        return int(code)

    @property
    def log(self) -> str:
        """Everything it logged."""
        return str(self._process.log.read_text())

    def client(self, token: str = "") -> httpx.Client:
        """Return a client; with a token a program, without one a browser."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        made = httpx.Client(
            transport=hub_fixtures.Loopback(), base_url=self.url, headers=headers, timeout=60
        )
        self._clients.append(made)
        return made

    def close_clients(self) -> None:
        """Close the clients of a test."""
        while self._clients:
            self._clients.pop().close()

    def sign_in(self, person: str) -> httpx.Client:
        """Sign a person in as a browser does: portal, Hub, its form, and back."""
        browser = self.client()
        answer = browser.get("/login?next=/api/v1/me")
        assert answer.status_code == 303, answer.text
        at_hub = browser.get(answer.headers["location"])
        following = httpx.URL(at_hub.headers["location"]).params["next"]
        signed = self.hub.sign_in(browser, person, following)
        return self._back(browser, signed)

    def _back(self, browser: httpx.Client, answer: httpx.Response) -> httpx.Client:
        for _ in range(8):
            if not answer.is_redirect:
                break
            answer = browser.get(answer.next_request.url)
        assert answer.status_code == 200, answer.text
        assert str(answer.url) == f"{self.url}/api/v1/me"
        browser.headers["Origin"] = self.url
        return browser

    @staticmethod
    def until(what: str, check: Callable[[], Any]) -> Any:
        """Wait until something is so."""
        return hub_fixtures.wait_until(what, check)

    def _ready(self) -> bool:
        self._process.check()
        with contextlib.suppress(httpx.HTTPError), self.client() as client:
            return client.get("/readyz").status_code == 200
        return False

    def _environment(self, settings: dict[str, str]) -> dict[str, str]:
        ours = {
            "public_url": self.url,
            "hub_public_url": self.hub.public,
            "hub_api_url": f"http://127.0.0.1:{self.hub.ports['hub']}/hub/api",
            "hub_token": self.hub.secrets["portal"],
            "session_key": "s" * 40,
            "database_url": f"sqlite:///{self.database}",
            "kubeconfig": str(self.room.kubeconfig),
            "kubernetes_timeout_seconds": "3",
            "cluster_stale_seconds": "100000",
            "prometheus_url": "",
            "host": "127.0.0.1",
            "port": str(self.port),
            "metrics_port": str(self.metrics_port),
            "revocation_seconds": "0.5",
            "token_seconds": "0.5",
            "heartbeat_seconds": "1",
        } | settings
        return {f"PRACTICUM_PORTAL_{name.upper()}": value for name, value in ours.items()} | {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(sys.path),
        }


@pytest.fixture(scope="session")
def room(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Room:
    """A cohort `spring` with the lab `lora`, ready."""
    made = Room(control_plane, tmp_path_factory.mktemp("room"))
    made.lab()
    made.cohort()
    return made


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A real Hub with its proxy; demo accounts exist."""
    site = hub_fixtures.Site(tmp_path_factory.mktemp("hub"))
    try:
        site.start()
        for person in ("admin", "instructor", "trainee"):
            site.token_of(person)
        yield site
    finally:
        site.close()


@pytest.fixture(scope="session")
def running(hub: Any, room: Room, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The portal, started once."""
    process = PortalProcess(hub, room, tmp_path_factory.mktemp("portal"))
    try:
        process.start()
        with process.client(hub.token_of("admin")) as admin:
            roster = "user,role\ntrainee,trainee\ninstructor,instructor\n"
            answer = admin.put(
                f"/api/v1/cohorts/{COHORT}/roster",
                content=roster,
                headers={"Content-Type": "text/csv"},
            )
            assert answer.json()["applied"], answer.text
        yield process
    finally:
        process.close_clients()
        process.kill()


@pytest.fixture
def portal(running: PortalProcess, room: Room) -> Iterator[PortalProcess]:
    """The portal, whole again and without sandboxes after each test."""
    yield running
    running.close_clients()
    room.cluster.kubectl(
        "delete", "sandbox", "--all", f"--namespace=practicum-{COHORT}", "--wait=true"
    )
    running.until("the portal heard of it", lambda: not _sandboxes(running))


def _sandboxes(portal: PortalProcess) -> list[Any]:
    with portal.client(portal.hub.token_of("admin")) as admin:
        answer = admin.get(f"/api/v1/sandboxes?cohort={COHORT}")
        items: list[Any] = answer.json()["items"]
        return items


@pytest.fixture
def deadline() -> Callable[[], float]:
    """Seconds on a clock, for waits in threads."""
    return time.monotonic
