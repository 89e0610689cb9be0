"""A node of the tests' own, beside the one that `make up` may be running here."""

import contextlib
import json
import platform
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest
from kubernetes import client, config

from practicum_local import oci, programs, toolchain
from practicum_local.controlplane import free_ports
from practicum_local.node import Node
from practicum_local.paths import GO_SOURCES, Paths
from practicum_local.progress import Progress
from practicum_local.settings import Settings

PROBE = programs.Program("probe", source=GO_SOURCES / "probe")
WAIT_SECONDS = 90


def eventually(what: str | Callable[[], str], check: Callable[[], bool]) -> None:
    """Wait until `check` holds; fail with `what` when it doesn't for long."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not check():
        if time.monotonic() > deadline:
            said = what if isinstance(what, str) else what()
            pytest.fail(f"after {WAIT_SECONDS} s still: {said}")
        time.sleep(0.2)


@pytest.fixture(scope="session")
def wait() -> Callable[..., None]:
    return eventually


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An installation of its own that shares programs with the machine's."""
    root = tmp_path_factory.mktemp("node-cache")
    machine = Paths.from_environment()
    for shared in (machine.bin, machine.tools):
        shared.mkdir(parents=True, exist_ok=True)
        (root / shared.name).symlink_to(shared)
    hub, portal, api = free_ports(3)
    return Settings(cache=root, hub_port=hub, portal_port=portal, api_port=api)


@pytest.fixture(scope="session")
def node(settings: Settings) -> Iterator[Node]:
    made = Node(settings)
    try:
        made.up(Progress())
        archive = settings.paths.root / "probe.tar"
        oci.write_archive(probe_image(settings.paths), archive, platform.machine())
        made.load_image(archive)
        yield made
    finally:
        made.down(Progress(), purge=True)


def probe_image(paths: Paths) -> oci.Image:
    program = programs.ensure(PROBE, paths)
    return oci.Image("probe", files={"probe": program}, entrypoint=["/probe"])


@dataclass(frozen=True)
class Cluster:
    """What a test asks of Kubernetes, in a few words."""

    core: client.CoreV1Api
    networking: client.NetworkingV1Api
    image: str
    kubectl: Path
    kubeconfig: Path

    def pod(
        self,
        namespace: str,
        name: str,
        *,
        around: Mapping[str, object] = MappingProxyType({}),
        **spec: object,
    ) -> None:
        """Create a Pod of the probe image; `spec` is added to its container, `around` to it."""
        container = {"name": "probe", "image": self.image, "imagePullPolicy": "Never", **spec}
        manifest = {
            "metadata": {"name": name, "labels": {"pod": name}},
            "spec": {
                "containers": [container],
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": 0,
                "enableServiceLinks": False,
                **around,
            },
        }
        self.core.create_namespaced_pod(namespace, manifest)

    def address(self, namespace: str, name: str) -> str | None:
        """The Pod's address, once it is ready."""
        status = self.core.read_namespaced_pod_status(name, namespace).status
        ready = any(c.type == "Ready" and c.status == "True" for c in status.conditions or [])
        return str(status.pod_ip) if ready else None

    def execute(self, namespace: str, name: str, *command: str) -> str:
        """What a command in the Pod prints."""
        kubectl = [self.kubectl, f"--kubeconfig={self.kubeconfig}", f"--namespace={namespace}"]
        return subprocess.run(
            [*kubectl, "exec", name, "--", *command], stdout=subprocess.PIPE, text=True, check=True
        ).stdout

    def reached(self, namespace: str, name: str, targets: list[str]) -> dict[str, bool]:
        """Which targets (`tcp:ADDRESS:PORT`) answer this Pod."""
        said = self.execute(namespace, name, "/probe", "try", *targets)
        return dict(
            json.loads(said.replace("'", '"').replace("True", "true").replace("False", "false"))
        )

    def policy(self, namespace: str, name: str, spec: dict[str, object]) -> None:
        """Create or replace a NetworkPolicy."""
        manifest = {"metadata": {"name": name}, "spec": spec}
        with contextlib.suppress(client.ApiException):
            self.networking.delete_namespaced_network_policy(name, namespace)
        self.networking.create_namespaced_network_policy(namespace, manifest)


@pytest.fixture(scope="session")
def cluster(node: Node, settings: Settings) -> Cluster:
    api = config.new_client_from_config(str(node.kubeconfig))
    image = probe_image(settings.paths).reference
    return Cluster(
        core=client.CoreV1Api(api),
        networking=client.NetworkingV1Api(api),
        image=image,
        kubectl=toolchain.kubectl(settings.paths),
        kubeconfig=node.kubeconfig,
    )


@pytest.fixture(scope="session")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(6) as executor:
        yield executor


@pytest.fixture(scope="session")
def node_pids(node: Node) -> Callable[[str], list[int]]:
    """Host pids of the node's processes whose command line holds a text."""

    def find(text: str) -> list[int]:
        supervisor = node.status().pid
        assert supervisor
        inside = Path(f"/proc/{supervisor}/ns/pid_for_children").readlink()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                same = (process / "ns/pid").readlink() == inside
                if same and text in (process / "cmdline").read_text().replace("\0", " "):
                    found.append(int(process.name))
        return found

    return find
