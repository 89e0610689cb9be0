"""The local Kubernetes node: up, down, status, and images into it."""

import datetime as dt
import hashlib
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from practicum_local import (
    addons,
    cgroups,
    components,
    keeper,
    nodeconfig,
    nodefiles,
    oci,
    preflight,
    programs,
    toolchain,
)
from practicum_local.api import Api, all_run, is_available, is_ready
from practicum_local.frame import Frame
from practicum_local.keeper import Keeper
from practicum_local.locking import exclusive
from practicum_local.nodeconfig import Machine
from practicum_local.process import ProcessError, tail, wait_for
from practicum_local.progress import Progress
from practicum_local.runtime import Runtime
from practicum_local.settings import Settings

READY_SECONDS = 180
NODE_PATH = f"/api/v1/nodes/{nodeconfig.NODE_NAME}"
GPU = "nvidia.com/gpu"
FORGOTTEN = ("etcd", "log", "var/log", "var/lib/cni", "var/lib/kubelet", "var/lib/practicum")
"""What a purge removes: all but the images, which take long to import, and the keys."""


class NodeError(RuntimeError):
    """The node did not come up; the message says what to look at."""


@dataclass(frozen=True)
class NodeStatus:
    """What runs, as `node status` shows it."""

    running: bool
    ready: bool = False
    pid: int | None = None
    """The supervisor's: `nsenter --all --target PID` leads into the node."""
    processes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    kubeconfig: str | None = None

    def describe(self) -> str:
        """The status for a person."""
        if not self.running:
            return "The node is down."
        lines = [f"The node is {'ready' if self.ready else 'up, but not ready'}."]
        for name, process in self.processes.items():
            state = "runs" if process["running"] else f"ended with {process['last_exit']}"
            again = process["starts"] - 1
            lines.append(f"  {name:24} {state}" + (f", restarted {again} times" if again else ""))
        lines.append(f"export KUBECONFIG={self.kubeconfig}")
        return "\n".join(lines)


class Node:
    """One node with its control plane, in namespaces of its own; files below the cache."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._paths = settings.paths
        self._folder = settings.paths.node
        # containerd looks for its shim on PATH, and this machine may have another's.
        programs = toolchain.unpacked(self._paths) / "usr/bin"
        self._keeper = Keeper(self._folder, [programs])
        self.runtime = Runtime(programs / "ctr", lambda: self._keeper.pid)

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig with all rights, for use on this machine."""
        return self._folder / f"{components.ADMIN.name}.kubeconfig"

    @property
    def logs(self) -> Path:
        """The folder of the components' logs."""
        return self._folder / "log"

    def check(self) -> None:
        """Raise PreflightError when this machine can't run it; asks before anything is made."""
        if self._keeper.pid is None:
            preflight.check(self._paths.root)
            for listener in preflight.listen(self._frame().ports).values():
                listener.close()

    def up(self, progress: Progress) -> None:
        """Bring the node to where it should be, from any state; returns when Pods can run."""
        with exclusive(self._paths.root / "node.lock"):
            running = self._keeper.pid is not None
            if not running:
                preflight.check(self._paths.root)
            toolchain.install(["node"], self._paths)
            if not running:
                preflight.check_network()
            own = self._own_images()
            machine = self._machine(own)
            with progress.step("Starting the node"):
                self._start(machine)
            with self._api() as api:
                with progress.step("Waiting for the API server"):
                    self._wait("the API server", lambda: api.answers("/readyz"))
                with progress.step("Waiting for containerd"):
                    self._wait("containerd", self.runtime.answers)
                self._load_own_images(own, progress)
                with progress.step("Waiting for the node and its DNS"):
                    self._settle(api, own)
            self._remove_former_images(own)

    def down(self, progress: Progress, *, purge: bool = False) -> None:
        """End the node, from any state; `purge` also forgets its objects and volumes."""
        with exclusive(self._paths.root / "node.lock"):
            with progress.step("Stopping the node"):
                self._stop()
            if purge:
                with progress.step("Removing its objects and volumes"):
                    for place in FORGOTTEN:
                        shutil.rmtree(self._folder / place, ignore_errors=True)

    def status(self) -> NodeStatus:
        """What runs at the moment; starts nothing."""
        pid = self._keeper.pid
        if pid is None:
            return NodeStatus(running=False)
        with self._api() as api:
            ready = is_ready(api.get(NODE_PATH), since=self._since())
        return NodeStatus(
            running=True,
            ready=ready,
            pid=pid,
            processes=self._keeper.report().processes,
            kubeconfig=str(self.kubeconfig),
        )

    def load_image(self, archive: Path) -> None:
        """Import an OCI or Docker archive into the node, under the names that it carries."""
        self.runtime.load(archive)

    def remove_images(self, references: list[str]) -> None:
        """Remove images from the node; content that others share stays."""
        self.runtime.remove(references)

    def images(self) -> dict[str, str]:
        """Digest by name of every image in the node."""
        return self.runtime.images()

    @property
    def _cgroup(self) -> str:
        # One for each installation: two must not remove each other's.
        return f"practicum-{hashlib.sha256(bytes(self._folder)).hexdigest()[:8]}"

    def _api(self) -> Api:
        return Api(f"https://127.0.0.1:{self._settings.api_port}", self._folder / "pki")

    def _since(self) -> dt.datetime:
        """When the node was started, in whole seconds: so Kubernetes writes its times."""
        return dt.datetime.fromtimestamp(int(self._keeper.report().since), dt.UTC)

    def _program(self, name: str) -> Path:
        return programs.ensure(programs.PROGRAMS[name], self._paths)

    def _own_images(self) -> list[oci.Image]:
        return addons.images(
            busybox=toolchain.unpacked_program("busybox", self._paths),
            coredns=self._program("coredns"),
        )

    def _machine(self, own: list[oci.Image]) -> Machine:
        plane = components.Plane(
            kube=self._program("kube"),
            folder=self._folder,
            etcd_port=2379,
            etcd_peer_port=2380,
            api_port=self._settings.api_port,
            controller_manager_port=10257,
            scheduler_port=10259,
            address=nodeconfig.NODE_ADDRESS,
            bind="0.0.0.0",  # noqa: S104 - all addresses of the node's own network
        )
        return Machine(
            plane=plane,
            folder=self._folder,
            containerd=toolchain.unpacked_program("containerd", self._paths),
            runc=toolchain.unpacked_program("runc", self._paths),
            cni_plugins=toolchain.unpacked(self._paths) / "usr/lib/cni",
            netpol=self._program("netpol"),
            volumes=self._program("volumes"),
            python=Path(sys.executable),
            cgroup=self._cgroup,
            pause_image=own[0].reference,
        )

    def _frame(self) -> Frame:
        return Frame(
            folder=self._folder,
            address=nodeconfig.NODE_ADDRESS,
            prefix=nodeconfig.NODE_PREFIX,
            service_range=components.SERVICE_RANGE,
            dns=nodeconfig.DNS_ADDRESS,
            ports={
                "hub": self._settings.hub_port,
                "portal": self._settings.portal_port,
                "api": self._settings.api_port,
            },
            code=keeper.code_fingerprint(),
        )

    def _start(self, machine: Machine) -> None:
        processes = nodefiles.write(machine)
        wanted = self._frame()
        if self._keeper.keeps(wanted):
            self._keeper.change(processes)
        else:
            self._stop()
            cgroups.create(self._cgroup, cgroups.hierarchies())
            self._keeper.start(wanted, processes)
        self._wait("the supervisor", lambda: self._keeper.runs(processes))

    def _load_own_images(self, own: list[oci.Image], progress: Progress) -> None:
        present = self.runtime.images()
        for image in own:
            if image.reference in present:
                continue
            with (
                progress.step(f"Importing {image.reference}"),
                tempfile.TemporaryDirectory(dir=self._folder) as scratch,
            ):
                archive = Path(scratch) / "image.tar"
                oci.write_archive(image, archive, platform.machine())
                self.runtime.load(archive)

    def _stop(self) -> None:
        self._keeper.stop()
        # The kubelet would spend seconds on every cgroup of a container that is no more.
        cgroups.remove(self._cgroup, cgroups.hierarchies())

    def _remove_former_images(self, own: list[oci.Image]) -> None:
        names = {image.reference.partition(":")[0] for image in own}
        current = {image.reference for image in own}
        present = {name for name in self.runtime.images() if name.partition(":")[0] in names}
        if former := sorted(present - current):
            self.runtime.remove(former)

    def _settle(self, api: Api, own: list[oci.Image]) -> None:
        for manifest in addons.manifests(own):
            api.apply(manifest)
        since = self._since()
        self._wait("the node to be ready", lambda: is_ready(api.get(NODE_PATH), since=since))
        gpus = str(self._settings.gpus) if self._settings.gpus else None
        # The kubelet derives what is allocatable from the capacity, but seconds later.
        status = {"capacity": {GPU: gpus}, "allocatable": {GPU: gpus}}
        api.merge(f"{NODE_PATH}/status", {"status": status})
        self._wait("the cluster's DNS", lambda: _answers(api, since))

    def _wait(self, what: str, probe: Callable[[], bool]) -> None:
        try:
            wait_for(what, probe, seconds=READY_SECONDS, check=self._check)
        except ProcessError as error:
            raise NodeError(f"{error}; logs are in {self.logs}") from None

    def _check(self) -> None:
        if self._keeper.pid is None:
            log = tail(self._keeper.log)
            raise ProcessError(f"the node's supervisor ended:\n{log}")


def _answers(api: Api, since: dt.datetime) -> bool:
    """Whether the DNS is available, and by Pods of this run of the node."""
    namespace = f"namespaces/{addons.NAMESPACE}"
    deployment = api.get(f"/apis/apps/v1/{namespace}/deployments/{addons.DNS}")
    return is_available(deployment) and all_run(api.get(f"/api/v1/{namespace}/pods"), since=since)
