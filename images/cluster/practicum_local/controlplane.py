"""A real Kubernetes API server for tests and benchmarks: no node, no root, no fixed port."""

import contextlib
import datetime as dt
import shutil
import socket
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from practicum_local import components, kubeconfig, programs
from practicum_local.api import Api
from practicum_local.paths import Paths
from practicum_local.pki import Authority, ensure_service_account_key
from practicum_local.process import Child, wait_for

READY_SECONDS = 120
API_SERVER = "kube-apiserver"


class ControlPlane:
    """etcd and kube-apiserver on 127.0.0.1, from `with` to its end.

    `controllers` adds kube-controller-manager (ServiceAccounts, garbage collection,
    namespaces that really go away), `scheduler` adds kube-scheduler. Missing binaries are
    built first. State is in a temporary folder, kept on request for a look at the logs.
    """

    def __init__(
        self,
        *,
        controllers: bool = False,
        scheduler: bool = False,
        api_server_flags: Sequence[str] = (),
        paths: Paths | None = None,
        keep: bool = False,
    ) -> None:
        self._paths = paths or Paths.from_environment()
        self._controllers = controllers
        self._scheduler = scheduler
        self._flags = list(api_server_flags)
        self._keep = keep
        self._children: dict[str, Child] = {}
        self._cpu_of_former = 0.0
        self._plane: components.Plane | None = None

    @property
    def plane(self) -> components.Plane:
        """Where everything is; only inside the `with` block."""
        if self._plane is None:
            raise RuntimeError("the control plane has not been started")
        return self._plane

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig with all rights."""
        return self.plane.kubeconfig(components.ADMIN)

    @property
    def server(self) -> str:
        """The API server's URL."""
        return self.plane.server

    def __enter__(self) -> Self:
        kube = programs.ensure(programs.KUBE, self._paths)
        folder = Path(tempfile.mkdtemp(prefix="practicum-control-plane-"))
        etcd, peer, api, controllers, scheduler = free_ports(5)
        self._plane = components.Plane(
            kube=kube,
            folder=folder,
            etcd_port=etcd,
            etcd_peer_port=peer,
            api_port=api,
            controller_manager_port=controllers,
            scheduler_port=scheduler,
        )
        try:
            prepare(self._plane)
            self._start("etcd", self._plane.etcd())
            self._start_api_server()
            if self._controllers:
                self._start("kube-controller-manager", self._plane.controller_manager())
                self._wait_for("/api/v1/namespaces/default/serviceaccounts/default")
            if self._scheduler:
                self._start("kube-scheduler", self._plane.scheduler())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()

    def restart_api_server(self, *, down_seconds: float = 0.0) -> None:
        """Kill the API server and start it on the same port; returns when it is ready."""
        self.kill_api_server()
        time.sleep(down_seconds)
        self._start_api_server()

    def kill_api_server(self) -> None:
        """Take the API server away, as a crash would; `restart_api_server` brings it back."""
        child = self._children.pop(API_SERVER, None)
        if child:
            self._cpu_of_former += child.cpu_seconds()
            child.kill()

    def cpu_seconds(self) -> float:
        """Processor time the API server has used since the start, restarts included."""
        child = self._children.get(API_SERVER)
        return self._cpu_of_former + (child.cpu_seconds() if child else 0.0)

    def log(self, name: str = API_SERVER) -> Path:
        """The log of one component."""
        return self.plane.folder / "log" / f"{name}.log"

    def _start_api_server(self) -> None:
        self._start(API_SERVER, [*self.plane.api_server(), *self._flags])
        self._wait_for("/readyz")

    def _start(self, name: str, argv: list[str]) -> None:
        self._children[name] = Child(name, argv, self.log(name))

    def _wait_for(self, path: str) -> None:
        with Api(self.plane.server, self.plane.pki) as api:
            wait_for(
                f"the API server's {path}",
                lambda: api.answers(path),
                seconds=READY_SECONDS,
                check=self._check,
            )

    def _check(self) -> None:
        for child in self._children.values():
            child.check()

    def _stop(self) -> None:
        # Nothing of it is needed any more, so nothing is asked to end in good order.
        for name in reversed(list(self._children)):
            self._children.pop(name).kill()
        if not self._keep:
            shutil.rmtree(self.plane.folder, ignore_errors=True)


def prepare(plane: components.Plane) -> Authority:
    """Make or renew the certificates and kubeconfigs of a control plane."""
    authority = Authority(plane.pki, now=dt.datetime.now(dt.UTC))
    ensure_service_account_key(plane.pki)
    for identity in (
        components.api_server_identity(plane.address),
        components.KUBELET_CLIENT,
        components.FRONT_PROXY,
    ):
        authority.ensure(identity)
    for identity in (components.ADMIN, components.CONTROLLER_MANAGER, components.SCHEDULER):
        path = plane.kubeconfig(identity)
        kubeconfig.write(path, server=plane.server, authority=authority, identity=identity)
    return authority


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on at the moment."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for listener in sockets:
            listener.bind(("127.0.0.1", 0))
        return [int(listener.getsockname()[1]) for listener in sockets]
