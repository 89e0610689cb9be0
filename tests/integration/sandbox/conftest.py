"""The sandbox image as a Pod runs it, next to a Hub that answers like JupyterHub."""

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from practicum_local import toolchain
from practicum_local.chroot import USER, Chroot, Mount, mounted
from practicum_local.images import Images
from practicum_local.paths import Paths

TOKEN = "a-sandbox-token"
PREFIX = "/user/trainee/lora/"
PATIENCE = 120.0
LAB = "/tmp/lab"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class HubHandler(BaseHTTPRequestHandler):
    """As much of JupyterHub's API as a single-user server asks for."""

    def do_GET(self) -> None:
        if self.path == "/hub/api/user" and self.headers["Authorization"] == f"token {TOKEN}":
            self.answer(
                {
                    "name": "trainee",
                    "kind": "user",
                    "admin": False,
                    "groups": [],
                    "scopes": ["access:servers!server=trainee/lora"],
                    "session_id": None,
                }
            )
        else:
            self.answer({"version": "6.1.1"})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer({})

    def answer(self, body: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("X-JupyterHub-Version", "6.1.1")
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def hub() -> Iterator[str]:
    """The Hub's API address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), HubHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hub/api"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def images() -> Images:
    """The images of this checkout, with the tools to build them."""
    paths = Paths.from_environment()
    toolchain.install(["images"], paths)
    return Images(paths)


@pytest.fixture(scope="session")
def image(images: Images) -> Iterator[Chroot]:
    """The sandbox image."""
    with mounted(images.buildah, str(images.build(["sandbox"])["sandbox"])) as chroot:
        yield chroot


@dataclass
class Server:
    """One running single-user server."""

    port: int
    activity_port: int
    log: Path
    process: "subprocess.Popen[bytes]"

    def request(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{PREFIX}{path}",
            method=method,
            headers={"Authorization": f"token {TOKEN}", "Content-Type": "application/json"},
            data=json.dumps(body).encode() if body is not None else None,
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            content = response.read()
        try:
            return json.loads(content)
        except ValueError:
            return content.decode()

    def answers(self) -> bool:
        """Ask as the kubelet's probe does: without a token."""
        url = f"http://127.0.0.1:{self.port}{PREFIX}api"
        with urllib.request.urlopen(url, timeout=PATIENCE) as response:
            return bool(response.status == 200)

    def activity(self) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.activity_port}/activity"
        with urllib.request.urlopen(url, timeout=PATIENCE) as response:
            answer: dict[str, Any] = json.load(response)
        return answer

    def wait(self, what: str, condition: Any) -> Any:
        """Wait until `condition()` is true; connection errors mean not yet."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                pytest.fail(f"the server ended:\n{self.log.read_text()[-4000:]}")
            try:
                if found := condition():
                    return found
            except (urllib.error.URLError, ConnectionError):
                pass
            time.sleep(0.05)
        pytest.fail(f"{what}: not in {PATIENCE:.0f} s\n{self.log.read_text()[-4000:]}")

    def stop(self) -> None:
        # unshare forwards nothing: the server is the child of its child, tini.
        if self.process.poll() is None:
            (inner,) = (
                Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
                .read_text()
                .split()
            )
            os.kill(int(inner), signal.SIGTERM)
        self.process.wait(timeout=PATIENCE)


@dataclass
class Sandbox:
    """Starts servers over one workspace, as attempts of one sandbox do."""

    chroot: Chroot
    folder: Path
    hub: str
    stack: ExitStack
    starts: int = 0
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def workspace(self) -> Path:
        return self.folder / "work"

    @property
    def lab(self) -> Path:
        return self.folder / "lab"

    def start(self, *, read_only: bool = False, **environment: str) -> Server:
        self.starts += 1
        port, activity_port = free_port(), free_port()
        log = self.folder / f"start-{self.starts}.log"
        with log.open("wb") as output:
            process = self.chroot.start(
                environment={
                    **pod_environment(self.hub, port),
                    "PRACTICUM_LAB_CONTENT": LAB,
                    "PRACTICUM_ACTIVITY_PORT": str(activity_port),
                    **environment,
                },
                mounts=[
                    Mount(self.workspace, "/home/jovyan/work", read_only=read_only),
                    Mount(self.lab, LAB, read_only=True),
                ],
                output=output,
            )
        server = Server(port, activity_port, log, process)
        self.stack.callback(server.stop)
        server.wait("the server answers", server.answers)
        return server


def pod_environment(hub: str, port: int) -> dict[str, str]:
    """What the operator sets on the Pod."""
    scopes = json.dumps(["access:servers!server=trainee/lora", "access:servers!user=trainee"])
    return {
        "JUPYTERHUB_API_TOKEN": TOKEN,
        "JUPYTERHUB_API_URL": hub,
        "JUPYTERHUB_ACTIVITY_URL": f"{hub}/users/trainee/activity",
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_CLIENT_ID": "jupyterhub-user-trainee-lora",
        "JUPYTERHUB_HOST": "http://practicum.localhost:8000",
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": scopes,
        "JUPYTERHUB_OAUTH_CALLBACK_URL": f"http://trainee.practicum.localhost:8000{PREFIX}oauth_callback",
        "JUPYTERHUB_SERVER_NAME": "lora",
        "JUPYTERHUB_SERVICE_PREFIX": PREFIX,
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}{PREFIX}",
        "JUPYTERHUB_USER": "trainee",
    }


@pytest.fixture
def sandbox(image: Chroot, hub: str, tmp_path: Path) -> Iterator[Sandbox]:
    """An empty workspace and a small lab."""
    with ExitStack() as stack:
        made = Sandbox(image, tmp_path, hub, stack)
        for folder in (made.workspace, made.lab):
            folder.mkdir()
        shutil.chown(made.workspace, USER, USER)
        (made.lab / "lora.en.ipynb").write_text(json.dumps(NOTEBOOK))
        yield made


NOTEBOOK = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
