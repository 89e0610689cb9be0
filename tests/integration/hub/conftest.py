"""A real Hub with a real configurable-http-proxy, on a fake Kubernetes API and stub servers."""

import asyncio
import base64
import contextlib
import itertools
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from aiohttp import web

import practicum_hub
from practicum_api.names import attempt_name, cohort_namespace, sandbox_name, server_prefix
from practicum_hub.passwords import PasswordHash
from practicum_local import toolchain
from practicum_local.paths import Paths

DEADLINE = 90.0
PEOPLE = {
    "admin": {"admin": True, "groups": []},
    "instructor": {"admin": False, "groups": ["instructors"]},
    "trainee": {"admin": False, "groups": []},
    "trainee-2": {"admin": False, "groups": []},
    "ming@example.org": {"admin": False, "groups": []},
    "张三": {"admin": False, "groups": []},
}
KINDS = ("operator", "portal", "prometheus", "proxy", "cookie-secret", "crypt-key")
SANDBOXES = "/apis/practicum.dev/v1alpha1"


def wait_until(what: str, check: Callable[[], Any]) -> Any:
    """Return what `check` returns as soon as that is true; fail when it never is."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"never happened: {what}")


def unused_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def die_with_parent() -> None:
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Loopback(httpx.BaseTransport):
    """Reaches every host name at 127.0.0.1, as browsers do for *.localhost."""

    def __init__(self) -> None:
        self._inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        there = httpx.Request(
            request.method,
            request.url.copy_with(host="127.0.0.1"),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )
        return self._inner.handle_request(there)

    def close(self) -> None:
        self._inner.close()


class Cluster:
    """The part of a Kubernetes API that the Hub uses, and stub servers in place of Pods.

    It runs in a thread of its own. `failure` makes it answer everything with that status, `mute`
    keeps news from the watches.
    """

    def __init__(self, sandbox_port: int) -> None:
        self.sandbox_port = sandbox_port
        self.failure: int | None = None
        self.mute = False
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self._patches: list[tuple[str, dict[str, str], Any]] = []
        self._objects: dict[tuple[str, str], dict[str, Any]] = {}
        self._secrets: dict[tuple[str, str], str] = {}
        self._events: list[tuple[int, str, dict[str, Any]]] = []
        self._oldest = 0
        self._version = itertools.count(1)
        self._lock = threading.RLock()
        self._loop = asyncio.new_event_loop()
        self._watchers: set[web.StreamResponse] = set()
        self._started: set[str] = set()
        self._runners: list[web.AppRunner] = []
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port = unused_port()
        self._run(self._listen(self._api(), "127.0.0.1", self.port))

    def close(self) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def kubeconfig(self, folder: Path) -> Path:
        path = folder / "kubeconfig"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "fake",
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
            "clusters": [{"name": "fake", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
            "users": [{"name": "fake", "user": {}}],
        }
        path.write_text(yaml.safe_dump(config))
        return path

    def put(self, body: dict[str, Any], kind: str = "") -> dict[str, Any]:
        """Store an object under a new resource version, for the watchers to see."""
        with self._lock:
            key = (body["metadata"]["namespace"], body["metadata"]["name"])
            verb = kind or ("MODIFIED" if key in self._objects else "ADDED")
            body = json.loads(json.dumps(body))
            version = next(self._version)
            body["metadata"]["resourceVersion"] = str(version)
            if verb == "DELETED":
                self._objects.pop(key, None)
            else:
                self._objects[key] = body
            self._events.append((version, verb, body))
            return body

    def get(self, namespace: str, name: str) -> dict[str, Any]:
        with self._lock:
            return json.loads(json.dumps(self._objects[namespace, name]))

    def remove(self, namespace: str, name: str) -> None:
        with self._lock:
            if (namespace, name) in self._objects:
                self.put(self._objects[namespace, name], "DELETED")

    def secret(self, namespace: str, name: str, token: str) -> None:
        with self._lock:
            self._secrets[namespace, name] = token

    def forget_history(self) -> None:
        """Make every watch that goes on from an earlier version fail with 410."""
        with self._lock:
            self._oldest = next(self._version)

    def break_watches(self) -> None:
        """Cut the connections of all watches."""

        async def cut() -> None:
            for response in list(self._watchers):
                request = response._req
                if request is not None and request.transport is not None:
                    request.transport.abort()

        self._run(cut())

    def serve(self, host: str) -> None:
        """Start a stub server at an address, once."""
        if host not in self._started:
            self._started.add(host)
            self._run(self._listen(self._stub(host), host, self.sandbox_port))

    def patches(self, name: str) -> list[tuple[dict[str, str], Any]]:
        """What was changed of a Sandbox, with the query; a patch that came too late is not."""
        return [(query, body) for patched, query, body in self._patches if patched == name]

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(DEADLINE)

    async def _listen(self, app: web.Application, host: str, port: int) -> None:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        self._runners.append(runner)

    async def _stop(self) -> None:
        for runner in self._runners:
            await runner.cleanup()

    def _stub(self, host: str) -> web.Application:
        async def answer(request: web.Request) -> web.Response:
            body = {"served_by": host, "path": request.path, "host": request.host}
            return web.json_response(body, headers={"X-JupyterHub-Version": "6.1.1"})

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        return app

    def _api(self) -> web.Application:
        @web.middleware
        async def note(request: web.Request, handler: Any) -> web.StreamResponse:
            body = await request.json() if request.can_read_body else None
            self.requests.append((request.method, request.path, dict(request.query), body))
            if self.failure is not None:
                return self._problem(self.failure)
            answer: web.StreamResponse = await handler(request)
            return answer

        app = web.Application(middlewares=[note])
        one = f"{SANDBOXES}/namespaces/{{namespace}}/sandboxes/{{name}}"
        app.router.add_get(f"{SANDBOXES}/sandboxes", self._list_or_watch)
        app.router.add_get(one, self._get)
        app.router.add_patch(one, self._patch)
        app.router.add_get("/api/v1/namespaces/{namespace}/secrets/{name}", self._get_secret)
        return app

    async def _list_or_watch(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("watch") == "true":
            return await self._watch(request)
        with self._lock:
            version = self._events[-1][0] if self._events else 0
            metadata = {"resourceVersion": str(max(version, self._oldest))}
            return web.json_response({"items": list(self._objects.values()), "metadata": metadata})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        seen = int(request.query["resourceVersion"])
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        self._watchers.add(response)
        try:
            while self.failure is None:
                if seen < self._oldest:
                    await self._send(response, "ERROR", {"kind": "Status", "code": 410})
                    return response
                with self._lock:
                    later = [event for event in self._events if event[0] > seen]
                    news = [] if self.mute else later
                for version, verb, body in news:
                    await self._send(response, verb, body)
                    seen = version
                await asyncio.sleep(0.02)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._watchers.discard(response)
        return response

    async def _send(self, response: web.StreamResponse, kind: str, body: dict[str, Any]) -> None:
        await response.write(json.dumps({"type": kind, "object": body}).encode() + b"\n")

    async def _get(self, request: web.Request) -> web.Response:
        found = self._objects.get((request.match_info["namespace"], request.match_info["name"]))
        return web.json_response(found) if found else self._problem(404)

    async def _patch(self, request: web.Request) -> web.Response:
        assert request.content_type == "application/merge-patch+json"
        patch = await request.json()
        with self._lock:
            key = (request.match_info["namespace"], request.match_info["name"])
            found = self._objects.get(key)
            if found is None:
                return self._problem(404)
            if patch["metadata"]["resourceVersion"] != found["metadata"]["resourceVersion"]:
                return self._problem(409)
            changed = json.loads(json.dumps(found))
            changed["spec"] |= patch["spec"]
            changed["metadata"]["generation"] += 1
            self._patches.append((key[1], dict(request.query), patch))
            return web.json_response(self.put(changed))

    async def _get_secret(self, request: web.Request) -> web.Response:
        token = self._secrets.get((request.match_info["namespace"], request.match_info["name"]))
        if token is None:
            return self._problem(404)
        encoded = base64.b64encode(token.encode()).decode()
        return web.json_response({"data": {"JUPYTERHUB_API_TOKEN": encoded}})

    @staticmethod
    def _problem(status: int) -> web.Response:
        return web.json_response({"kind": "Status", "code": status}, status=status)


class Process:
    """A child process with its log."""

    def __init__(self, argv: list[str], log: Path, env: dict[str, str] | None = None) -> None:
        self._argv, self.log, self._env = argv, log, env
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self._child = subprocess.Popen(
                self._argv,
                env=self._env,
                cwd=self.log.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - one prctl, no lock is taken
            )

    def check(self) -> None:
        if self._child is not None and self._child.poll() is not None:
            raise AssertionError(f"it ended:\n{self.log.read_text()[-4000:]}")

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None


@dataclass(frozen=True)
class Owned:
    """A Sandbox in a test: who has it, where it is, and what the operator would do to it."""

    site: "Site"
    owner: str
    server: str
    namespace: str
    address: str
    tokens: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return sandbox_name(self.owner, self.server)

    @property
    def prefix(self) -> str:
        return server_prefix(self.owner, self.server)

    @property
    def body(self) -> dict[str, Any]:
        return self.site.cluster.get(self.namespace, self.name)

    @property
    def desired(self) -> str:
        return str(self.body["spec"].get("desiredState", "Running"))

    @property
    def token(self) -> str:
        return self.tokens[-1]

    def status(self, **changes: Any) -> None:
        """Write status as the operator does: for the generation that is there now."""
        body = self.body
        body["status"] = body.get("status", {}) | changes
        body["status"]["observedGeneration"] = body["metadata"]["generation"]
        self.site.cluster.put(body)

    def serve(self, address: str = "") -> None:
        """Begin a new attempt whose server answers."""
        attempt = self.body.get("status", {}).get("attempt", 0) + 1
        self.tokens.append(secrets.token_hex(32))
        self.site.cluster.secret(self.namespace, attempt_name(self.name, attempt), self.token)
        if not address:
            self.site.cluster.serve(self.address)
        self.status(
            phase="Starting",
            attempt=attempt,
            podIp=address or self.address,
            stages=[{"stage": "Connecting", "began": "2026-01-01T00:00:00Z"}],
        )

    def suspend(self, desired: str = "Suspended") -> None:
        body = self.body
        body["spec"]["desiredState"] = desired
        body["metadata"]["generation"] += 1
        self.site.cluster.put(body)
        self.status(phase="Suspended", podIp="")

    def delete(self) -> None:
        self.site.cluster.remove(self.namespace, self.name)

    def forget(self) -> bool:
        """Let the Hub forget the server; whether it has."""
        path = f"/users/{self.owner}/servers/{self.server}"
        answer = self.site.api("DELETE", path, "operator", json={"remove": True})
        return answer.status_code in {204, 404}

    def register(self, **body: Any) -> httpx.Response:
        """Do what the operator does when the server answers."""
        return self.site.api(
            "POST", f"/users/{self.owner}/servers/{self.server}", "operator", json=body
        )

    def unregister(self) -> httpx.Response:
        return self.site.api("DELETE", f"/users/{self.owner}/servers/{self.server}", "operator")

    def at_hub(self) -> dict[str, Any]:
        answer = self.site.api("GET", f"/users/{self.owner}/servers/{self.server}", "operator")
        return answer.json() if answer.status_code == 200 else {}

    def is_ready(self) -> bool:
        return bool(self.at_hub().get("ready"))

    def connect(self) -> None:
        """Begin an attempt that answers and register it."""
        self.serve()
        wait_until("ready at the Hub", self.insist)

    def insist(self) -> bool:
        """Whether the Hub says ready; asked anew, as the operator does, while it does nothing."""
        model = self.at_hub()
        if not model.get("ready") and not model.get("pending"):
            self.register()
        return self.is_ready()

    def scopes_of_token(self) -> list[str] | None:
        """What the sandbox's own token may do; None when the Hub does not know it."""
        answer = self.site.request("GET", "/hub/api/user", token=self.token)
        return sorted(answer.json()["scopes"]) if answer.status_code == 200 else None


class Site:
    """A platform to test: Hub, proxy and cluster, with what a person or service does there."""

    def __init__(self, folder: Path, config: str = "", **settings: str) -> None:
        self.folder = folder
        self.ports = {name: unused_port() for name in ("hub", "proxy", "api", "sandbox")}
        self.public = f"http://practicum.localhost:{self.ports['proxy']}"
        self.portal = f"http://practicum.localhost:{unused_port()}"
        self.cluster = Cluster(self.ports["sandbox"])
        self.secrets = {name: secrets.token_hex(32) for name in KINDS}
        self.passwords = {name: secrets.token_urlsafe(8) for name in PEOPLE}
        self._write_files()
        self.hub = Process(self._hub_argv(config), folder / "hub.log", self._hub_env(settings))
        self.proxy = Process(self._proxy_argv(), folder / "proxy.log", self._proxy_env())
        self.client = httpx.Client(transport=Loopback(), timeout=60)
        self._numbers = itertools.count(1)
        self._made: list[Owned] = []
        self._tokens: dict[str, str] = {}

    def start(self) -> None:
        self.proxy.start()
        self.start_hub()

    def start_hub(self) -> None:
        """Start the Hub and wait until it answers through the proxy."""
        self.hub.start()
        url = f"http://practicum.localhost:{self.ports['proxy']}/hub/health"
        wait_until("the Hub answers", lambda: self.hub.check() or self.answers(url))

    def restart_hub(self) -> None:
        self.hub.kill()
        self.start_hub()

    def close(self) -> None:
        self.client.close()
        self.hub.kill()
        self.proxy.kill()
        self.cluster.close()

    def sandbox(
        self,
        owner: str = "trainee",
        server: str = "",
        *,
        namespace: str = cohort_namespace("spring"),
        created: str = "2026-01-01T00:00:00Z",
    ) -> Owned:
        """Make a Sandbox, not yet served."""
        number = next(self._numbers)
        server = server or f"lab-{number}"
        address = f"127.9.{number // 200}.{number % 200 + 1}"
        made = Owned(self, owner, server, namespace, address)
        self._made.append(made)
        self.cluster.put(
            {
                "metadata": {
                    "name": made.name,
                    "namespace": made.namespace,
                    "uid": secrets.token_hex(8),
                    "generation": 1,
                    "creationTimestamp": created,
                },
                "spec": {"owner": owner, "lab": server},
            }
        )
        return made

    def clear(self) -> None:
        """Remove all Sandboxes and their servers, as the operator does at the end of each."""
        self.cluster.failure, self.cluster.mute = None, False
        for made in self._made:
            self.cluster.remove(made.namespace, made.name)
        for made in self._made:
            wait_until("forgotten", made.forget)
        self._made.clear()

    def request(self, method: str, path: str, *, token: str = "", **more: Any) -> httpx.Response:
        """Ask the Hub itself, as the cluster's own components do."""
        headers = {"Authorization": f"token {token}"} if token else {}
        url = f"http://127.0.0.1:{self.ports['hub']}{path}"
        return self.client.request(method, url, headers=headers, **more)

    def api(self, method: str, path: str, who: str, **more: Any) -> httpx.Response:
        """Ask the Hub's API as a service or as a person."""
        token = self.secrets[who] if who in self.secrets else self.token_of(who)
        return self.request(method, f"/hub/api{path}", token=token, **more)

    def token_of(self, person: str) -> str:
        """A token that a person made."""
        if person not in self._tokens:
            self.api("POST", f"/users/{person}", "portal")
            auth = {"username": person, "password": self.passwords[person]}
            answer = self.request("POST", f"/hub/api/users/{person}/tokens", json={"auth": auth})
            assert answer.status_code == 201, answer.text
            self._tokens[person] = answer.json()["token"]
        return self._tokens[person]

    def browser(self) -> httpx.Client:
        """A client with cookies that resolves *.localhost."""
        return httpx.Client(transport=Loopback(), timeout=60, follow_redirects=False)

    def sign_in(self, browser: httpx.Client, person: str, following: str = "") -> httpx.Response:
        """Fill in the sign-in page."""
        query = {"next": following} if following else {}
        page = browser.get(f"{self.public}/hub/login", params=query)
        assert page.status_code == 200, page.text
        xsrf = browser.cookies.get("_xsrf", path="/hub/")
        fields = {"username": person, "password": self.passwords[person], "_xsrf": xsrf}
        return browser.post(f"{self.public}/hub/login", params=query, data=fields)

    def answers(self, url: str) -> bool:
        """Whether a GET of this address succeeds."""
        with contextlib.suppress(httpx.HTTPError):
            return self.client.get(url).status_code == 200
        return False

    def _write_files(self) -> None:
        tokens = self.folder / "hub-tokens"
        tokens.mkdir()
        for name, value in self.secrets.items():
            (tokens / name).write_text(value)
        accounts = {
            name: {"password": str(PasswordHash.make(self.passwords[name])), **person}
            for name, person in PEOPLE.items()
        }
        (self.folder / "accounts.yaml").write_text(yaml.safe_dump(accounts, allow_unicode=True))

    def _hub_argv(self, config: str) -> list[str]:
        if not config:
            return [sys.executable, "-m", "practicum_hub"]
        path = self.folder / "jupyterhub_config.py"
        ours = Path(practicum_hub.__file__).with_name("jupyterhub_config.py")
        path.write_text(f"load_subconfig({str(ours)!r})\n{config}")
        return [sys.executable, "-m", "jupyterhub", "-f", str(path)]

    def _hub_env(self, settings: dict[str, str]) -> dict[str, str]:
        ours = {
            "public_url": self.public,
            "portal_url": self.portal,
            "auth_kind": "demo",
            "port": str(self.ports["hub"]),
            "connect_url": f"http://127.0.0.1:{self.ports['hub']}",
            "proxy_api_url": f"http://127.0.0.1:{self.ports['api']}",
            "secrets_path": str(self.folder / "hub-tokens"),
            "demo_accounts": str(self.folder / "accounts.yaml"),
            "database_url": f"sqlite:///{self.folder}/hub.sqlite",
            "sandbox_port": str(self.ports["sandbox"]),
            "poll_interval": "1",
            "route_check_interval": "3",
            "server_limit": "30",
            "http_timeout": "2",
            "start_timeout": "6",
            "log_level": "DEBUG",
        } | settings
        return {f"PRACTICUM_HUB_{name.upper()}": value for name, value in ours.items()} | {
            "PATH": os.environ["PATH"],
            "KUBECONFIG": str(self.cluster.kubeconfig(self.folder)),
            "PYTHONPATH": os.pathsep.join(sys.path),
        }

    def _proxy_argv(self) -> list[str]:
        node, script = toolchain.http_proxy(Paths.from_environment())
        hub = f"http://127.0.0.1:{self.ports['hub']}"
        return [
            str(node),
            str(script),
            "--ip=127.0.0.1",
            f"--port={self.ports['proxy']}",
            "--api-ip=127.0.0.1",
            f"--api-port={self.ports['api']}",
            "--host-routing",
            f"--default-target={hub}",
            f"--error-target={hub}/hub/error",
            "--timeout=0",
        ]

    def _proxy_env(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "CONFIGPROXY_AUTH_TOKEN": self.secrets["proxy"]}


@pytest.fixture(scope="session")
def running_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("hub"))
    try:
        site.start()
        for person in PEOPLE:
            site.token_of(person)
        yield site
    finally:
        site.close()


@pytest.fixture
def site(running_site: Site) -> Iterator[Site]:
    """The platform, whole and empty again after each test."""
    yield running_site
    running_site.clear()


@pytest.fixture
def wait() -> Callable[[str, Callable[[], Any]], Any]:
    return wait_until


@pytest.fixture
def free_port() -> Callable[[], int]:
    return unused_port


@pytest.fixture
def process() -> type[Process]:
    return Process


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Makes a platform of its own with other settings."""
    made: list[Site] = []

    def make(config: str = "", **settings: str) -> Site:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Site(folder, config, **settings))
        return made[-1]

    yield make
    for site in made:
        site.close()
