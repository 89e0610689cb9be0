"""The portal on both databases, with fakes for Kubernetes, the Hub and Prometheus."""

import asyncio
import copy
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import event

from practicum_portal.app import create_app
from practicum_portal.container import Clients, Container
from practicum_portal.database import Database
from practicum_portal.dependencies import session_cookie
from practicum_portal.hub import Hub, HubAwayError, HubRefusedError, HubUser, TokenOwner
from practicum_portal.kubernetes import Kubernetes, KubernetesAwayError, KubernetesError
from practicum_portal.migrations import migrate
from practicum_portal.models import Base
from practicum_portal.prometheus import Prometheus, PrometheusAwayError, Sample
from practicum_portal.settings import Settings

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PUBLIC = "http://portal.test"
ACCESS = "access:services!service=portal"
KEY = "k" * 32
_TABLES = ", ".join(Base.metadata.tables)
_EMPTY = (
    "ALTER TABLE audit DISABLE TRIGGER ALL;"
    f" TRUNCATE {_TABLES} RESTART IDENTITY CASCADE;"
    " ALTER TABLE audit ENABLE TRIGGER ALL"
)


class FakeKubernetes(Kubernetes):
    """An API server in memory: versions, conflicts, merge patches, watches, and faults."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.calls: list[tuple[str, str, str]] = []
        self.faults: dict[str, list[Exception]] = {}
        self.news = asyncio.Event()
        self.version = 100
        self.closed = False

    def fail(self, verb: str, *errors: Exception) -> None:
        """Let the next calls of a verb fail, one error each."""
        self.faults.setdefault(verb, []).extend(errors)

    def put(self, plural: str, body: dict[str, Any]) -> dict[str, Any]:
        """Store an object as kubectl or the operator would."""
        body = copy.deepcopy(body)
        key = _key(body)
        known = self.objects.setdefault(plural, {}).get(key)
        self.version += 1
        body["metadata"].setdefault("uid", (known or {"metadata": {}})["metadata"].get("uid"))
        if not body["metadata"]["uid"]:
            body["metadata"]["uid"] = f"uid-{self.version}"
        body["metadata"]["resourceVersion"] = str(self.version)
        body["metadata"].setdefault("creationTimestamp", "2026-03-01T08:00:00Z")
        self.objects[plural][key] = body
        self._tell(plural, "MODIFIED" if known else "ADDED", body)
        return copy.deepcopy(body)

    def remove(self, plural: str, name: str, namespace: str = "") -> None:
        """Remove an object at once."""
        body = self.objects[plural].pop((namespace, name))
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)
        self._tell(plural, "DELETED", body)

    def body(self, plural: str, name: str, namespace: str = "") -> dict[str, Any]:
        """Return an object as stored."""
        return self.objects[plural][namespace, name]

    def verbs(self) -> list[str]:
        """Return which verbs were called, reading aside."""
        return [call[0] for call in self.calls if call[0] not in {"list", "watch"}]

    async def list(self, plural: str) -> tuple[list[dict[str, Any]], str]:
        self._call("list", plural)
        items = self.objects.get(plural, {}).values()
        return [copy.deepcopy(item) for item in items], str(self.version)

    async def watch(self, plural: str, version: str) -> AsyncIterator[dict[str, Any]]:
        self._call("watch", plural)
        seen = int(version)
        while True:
            self._fault(f"event {plural}")
            for kind, item in list(self.events):
                number = int(item["object"]["metadata"]["resourceVersion"])
                if kind == plural and number > seen:
                    seen = number
                    yield copy.deepcopy(item)
            self.news.clear()
            await self.news.wait()

    async def get(self, plural: str, name: str, namespace: str = "") -> dict[str, Any]:
        self._call("get", plural, name)
        return copy.deepcopy(self._existing(plural, name, namespace))

    async def create(
        self, plural: str, body: dict[str, Any], namespace: str = ""
    ) -> dict[str, Any]:
        body = copy.deepcopy(body)
        if namespace:
            body["metadata"]["namespace"] = namespace
        self._call("create", plural, body["metadata"]["name"])
        if _key(body) in self.objects.get(plural, {}):
            raise KubernetesError(409, "AlreadyExists", "it exists")
        return self.put(plural, body)

    async def patch(
        self, plural: str, name: str, body: dict[str, Any], namespace: str = ""
    ) -> dict[str, Any]:
        self._call("patch", plural, name)
        stored = copy.deepcopy(self._existing(plural, name, namespace))
        wanted = body.get("metadata", {}).get("resourceVersion")
        if wanted not in {None, stored["metadata"]["resourceVersion"]}:
            raise KubernetesError(409, "Conflict", "the object has been modified")
        return self.put(plural, _merge(stored, {key: body[key] for key in body if key == "spec"}))

    async def delete(self, plural: str, name: str, namespace: str = "", *, uid: str = "") -> None:
        self._call("delete", plural, name)
        stored = self._existing(plural, name, namespace)
        if uid not in {"", stored["metadata"]["uid"]}:
            raise KubernetesError(409, "Conflict", "another uid")
        self.put(
            plural, _merge(stored, {"metadata": {"deletionTimestamp": "2026-03-02T09:00:00Z"}})
        )

    async def close(self) -> None:
        self.closed = True

    def _existing(self, plural: str, name: str, namespace: str) -> dict[str, Any]:
        try:
            return self.objects.get(plural, {})[namespace, name]
        except KeyError:
            raise KubernetesError(404, "NotFound", f"{plural} {name} not found") from None

    def _call(self, verb: str, plural: str, name: str = "") -> None:
        self.calls.append((verb, plural, name))
        self._fault(verb)

    def _fault(self, verb: str) -> None:
        if self.faults.get(verb):
            raise self.faults[verb].pop(0)

    def _tell(self, plural: str, kind: str, body: dict[str, Any]) -> None:
        self.events.append((plural, {"type": kind, "object": copy.deepcopy(body)}))
        self.news.set()


class FakeHub(Hub):
    """A JupyterHub in memory that can be away."""

    def __init__(self) -> None:
        self.users: dict[str, HubUser] = {}
        self.tokens: dict[str, TokenOwner] = {}
        self.codes: dict[str, tuple[str, str]] = {}
        self.away: str = ""
        self.refuses: set[str] = set()
        self.asked: list[str] = []

    async def token_for_code(self, code: str, *, verifier: str, redirect_uri: str) -> str:
        self._ask("code")
        if code not in self.codes:
            raise HubRefusedError("unknown code")
        self.verifier, self.redirect_uri = verifier, redirect_uri
        return self.codes.pop(code)[1]

    async def token_owner(self, token: str) -> TokenOwner | None:
        self._ask("token")
        return self.tokens.get(token)

    async def user(self, name: str) -> HubUser | None:
        self._ask("user")
        return self.users.get(name)

    async def create_users(self, names: Any) -> tuple[str, ...]:
        self._ask("create")
        if bad := self.refuses & set(names):
            raise HubRefusedError(f"Invalid username: {bad.pop()}")
        new = tuple(name for name in names if name not in self.users)
        self.users.update({name: HubUser(name) for name in new})
        return new

    async def close(self) -> None:
        return

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.away:
            raise HubAwayError(self.away)


class FakePrometheus(Prometheus):
    """Answers by the name of the metric in the query."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[Sample, ...]] = {}
        self.away = ""
        self.queries: list[str] = []

    async def query(self, expression: str) -> tuple[Sample, ...]:
        self.queries.append(expression)
        if self.away:
            raise PrometheusAwayError(self.away)
        found = [value for name, value in self.answers.items() if name in expression]
        return found[0] if found else ()

    async def close(self) -> None:
        return


@dataclass
class Clock:
    """A clock that tests set."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Portal:
    """The running application with its fakes, and clients that are someone."""

    app: FastAPI
    kubernetes: FakeKubernetes
    hub: FakeHub
    prometheus: FakePrometheus
    clock: Clock
    statements: list[str] = field(default_factory=list)
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    @property
    def container(self) -> Container:
        container: Container = self.app.state.container
        return container

    def client(self, **how: Any) -> httpx.AsyncClient:
        """Return a client that is nobody yet."""
        made = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False),
            base_url=PUBLIC,
            **how,
        )
        self.clients.append(made)
        return made

    async def sign_in(self, name: str, **facts: Any) -> httpx.AsyncClient:
        """Return a browser in which ``name`` went through the sign-in."""
        self.account(name, **facts)
        client = self.client()
        departure = self.container.signin.depart("/")
        state = dict(httpx.URL(departure.url).params)["state"]
        self.hub.codes["code"] = (name, f"oauth-{name}")
        self.hub.tokens[f"oauth-{name}"] = TokenOwner(name, frozenset({ACCESS}))
        client.cookies.set(departure.cookie, departure.sealed, domain="portal.test")
        response = await client.get(f"/oauth/callback?code=code&state={state}")
        assert response.status_code == 303, response.text
        secret = client.cookies[session_cookie(self.container.settings)]
        client.headers["X-CSRF-Token"] = self.container.access.csrf_token(secret)
        client.headers["Origin"] = PUBLIC
        return client

    def account(self, name: str, *, admin: bool = False, groups: tuple[str, ...] = ()) -> None:
        """Make the Hub know someone."""
        self.hub.users[name] = HubUser(name, admin, frozenset(groups))

    def bearer(self, name: str, scope: str = ACCESS, **facts: Any) -> httpx.AsyncClient:
        """Return a program with a token of ``name``."""
        if name not in self.hub.users:
            self.account(name, **facts)
        token = f"token-{name}-{scope}"
        self.hub.tokens[token] = TokenOwner(name, frozenset({scope}))
        return self.client(headers={"Authorization": f"Bearer {token}"})

    def sandbox_client(self, owner: str, server: str) -> httpx.AsyncClient:
        """Return what runs in a sandbox, with its own token."""
        return self.bearer(owner, f"custom:practicum:report!server={owner}/{server}")

    async def settled(self) -> None:
        """Let the cache hear of everything that the fake API server said."""
        for _ in range(5):
            await asyncio.sleep(0)

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait for a condition."""
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.005)


def cohort(name: str = "class-a", **spec: Any) -> dict[str, Any]:
    """Return a Cohort whose room is ready."""
    return {
        "metadata": {"name": name, "uid": f"uid-{name}"},
        "spec": {"labs": ["lora"], **spec},
        "status": {"conditions": [_condition("Ready", "True", "Ready")]},
    }


def lab(name: str = "lora", **spec: Any) -> dict[str, Any]:
    """Return a Lab that can be started."""
    return {
        "metadata": {"name": name, "uid": f"uid-lab-{name}"},
        "spec": {
            "title": {"en": "LoRA", "zh-CN": "低秩适配"},
            "image": {"reference": "registry/sandbox:1"},
            "lifetime": {"max": "4h", "idle": "1h", "extension": "2h"},
            "runs": {"metrics": ["accuracy", "loss"], "maxPoints": 5000},
            **spec,
        },
        "status": {"conditions": [_condition("Ready", "True", "Accepted")]},
    }


def sandbox(
    owner: str = "trainee",
    lab_name: str = "lora",
    *,
    cohort_name: str = "class-a",
    phase: str = "Running",
    status: dict[str, Any] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """Return a Sandbox as the operator leaves it."""
    running = phase == "Running"
    return {
        "metadata": {"name": f"{owner}--{lab_name}", "namespace": f"practicum-{cohort_name}"},
        "spec": {
            "owner": owner,
            "lab": lab_name,
            "desiredState": "Suspended" if phase.startswith("Suspend") else "Running",
            **spec,
        },
        "status": {
            "phase": phase,
            "attempt": 1,
            "url": f"http://{owner}.hub.test/user/{owner}/{lab_name}/" if running else "",
            "startedAt": "2026-03-02T08:00:00Z",
            "deadline": "2026-03-02T12:00:00Z",
            "conditions": [
                _condition("Ready", "True" if running else "False", "Ready" if running else phase)
            ],
            **(status or {}),
        },
    }


def _condition(kind: str, status: str, reason: str, message: str = "") -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason, "message": message}


@pytest.fixture
def make() -> Any:
    """Builders of resources and of what seams answer: `make.cohort()`, `make.lab()`, …"""

    class Make:
        cohort = staticmethod(cohort)
        lab = staticmethod(lab)
        sandbox = staticmethod(sandbox)
        condition = staticmethod(_condition)
        away = KubernetesAwayError
        refusal = KubernetesError
        sample = Sample
        owner = TokenOwner

    return Make


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server of our own; the URL lacks the database's name."""
    programs = _postgresql_programs()
    folder = tmp_path_factory.mktemp("postgresql")
    # pytest keeps its folders to root, and PostgreSQL refuses to run as root.
    run: list[str] = []
    if os.geteuid() == 0:
        folder = Path(_as_postgres_folder())
        run = ["runuser", "-u", "postgres", "--"]
    data, port = folder / "data", _free_port()
    options = (
        f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        " -c max_connections=60 -c shared_buffers=32MB"
    )
    control = [*run, str(programs / "pg_ctl"), "-D", str(data), "-s", "-w"]
    init = [*run, str(programs / "initdb"), "-D", str(data), "-U", "practicum", "-A", "trust"]
    subprocess.run([*init, "-E", "UTF8", "--no-sync"], check=True, capture_output=True, cwd="/")
    log = folder / "log"
    subprocess.run([*control, "-o", options, "-l", str(log), "start"], check=True, cwd="/")
    try:
        yield f"postgresql://practicum@127.0.0.1:{port}"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, cwd="/")
        shutil.rmtree(folder, ignore_errors=True)


def _postgresql_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        from practicum_local import toolchain
        from practicum_local.paths import Paths

        # No cluster and no service of Debian's: ours live in temporary folders.
        plain = Path("/etc/postgresql-common/createcluster.conf")
        plain.parent.mkdir(parents=True, exist_ok=True)
        plain.write_text("create_main_cluster = false\n")
        toolchain.install(["database"], Paths.default())
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent


def _as_postgres_folder() -> str:
    made = subprocess.run(
        ["runuser", "-u", "postgres", "--", "mktemp", "-d", "/tmp/practicum-pg-XXXXXX"],
        check=True,
        capture_output=True,
        text=True,
        cwd="/",
    )
    return made.stdout.strip()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _apart(_migrated, f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_database(postgresql: str) -> str:
    """The URL of a migrated database on PostgreSQL, which tests empty for themselves."""
    _apart(_execute, f"{postgresql}/postgres", "CREATE DATABASE portal")
    _apart(_migrated, f"{postgresql}/portal")
    return f"{postgresql}/portal"


def _apart(function: Any, *given: Any) -> None:
    """Run a coroutine function on a loop of its own, also while a test's loop runs."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(function(*given))).result()


async def _migrated(url: str) -> None:
    database = Database(url)
    await migrate(database)
    await database.close()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Which database; modules that have no SQL to try say `sqlite` alone."""
    kind: str = request.param
    return kind


@pytest.fixture
async def sqlite_is_quiet() -> AsyncIterator[None]:
    """In the end wait for connections given up half way: their threads still answer this loop."""
    yield
    with suppress(TimeoutError):
        async with asyncio.timeout(5):
            # The threads are another library's, and set no event.
            while any("_connection_worker" in t.name for t in threading.enumerate()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@pytest.fixture
async def database_url(
    request: pytest.FixtureRequest, database_kind: str, tmp_path: Path, sqlite_is_quiet: None
) -> AsyncIterator[str]:
    """The URL of a migrated database of the test's own."""
    if database_kind == "sqlite":
        path = tmp_path / "portal.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    url = request.getfixturevalue("postgresql_database")
    await _execute(url, _EMPTY)
    yield url


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Settings of the portal under test."""
    return Settings(
        public_url=PUBLIC,
        hub_public_url="http://hub.test",
        hub_token=SecretStr("service-token"),
        session_key=SecretStr(KEY),
        database_url=database_url,
        migrate_at_start=False,
        heartbeat_seconds=0.05,
        database_wait_seconds=5,
        starts_per_minute=60,
        revocation_seconds=0,
        hub_grace_seconds=0,
        token_seconds=0,
    )


@pytest.fixture
def opened() -> Any:
    """Open a portal with given settings: `async with opened(settings) as portal`."""

    @asynccontextmanager
    async def open_portal(settings: Settings, **seams: Any) -> AsyncIterator[Portal]:
        kubernetes = seams.get("kubernetes") or FakeKubernetes()
        hub, prometheus = seams.get("hub") or FakeHub(), FakePrometheus()
        database = Database(settings.database_url, wait_seconds=settings.database_wait_seconds)
        clients = Clients(kubernetes, hub, prometheus, database)
        clock = Clock()
        app = create_app(settings, clients, clock=clock, background=False)
        portal = Portal(app, kubernetes, hub, prometheus, clock)
        _count(database, portal.statements)
        async with app.router.lifespan_context(app):
            following = asyncio.create_task(portal.container.cluster.run())
            await portal.until(lambda: portal.container.cluster.synced)
            try:
                yield portal
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
                for client in portal.clients:
                    await client.aclose()

    return open_portal


def _count(database: Database, statements: list[str]) -> None:
    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if not statement.startswith("BEGIN"):
            statements.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)


@pytest.fixture
async def portal(settings: Settings, opened: Any) -> AsyncIterator[Portal]:
    """The portal with a cohort `class-a`, its lab `lora`, and the people of the house on it."""
    kubernetes = FakeKubernetes()
    kubernetes.put("labs", lab())
    kubernetes.put("cohorts", cohort())
    kubernetes.put("cohorts", cohort("class-b"))
    async with opened(settings, kubernetes=kubernetes) as portal:
        await enrol(portal, "class-a", trainee="trainee", instructor="instructor")
        yield portal


async def enrol(portal: Portal, cohort_name: str, **roles: str) -> None:
    """Put people on a roster, straight into the database."""
    from practicum_portal.store import people

    async with portal.container.clients.database.write() as session:
        await people.enrol(
            session,
            uid=f"uid-{cohort_name}",
            cohort=cohort_name,
            entries=[people.Entry(user, role) for user, role in roles.items()],
            by="admin",
            now=NOW,
        )


@pytest.fixture
def on_roster() -> Any:
    """Put people on a roster: `await on_roster(portal, "class-b", instructor="instructor")`."""
    return enrol


@pytest.fixture
async def served(portal: Portal) -> AsyncIterator[str]:
    """The portal on a real port: in-process transports hold a stream back until it ends."""
    config = uvicorn.Config(portal.app, port=0, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    await portal.until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    portal.container.streams.stop()
    server.should_exit = True
    await task


def _key(body: dict[str, Any]) -> tuple[str, str]:
    return body["metadata"].get("namespace", ""), body["metadata"]["name"]


def _merge(target: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    merged = dict(target)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = _merge(merged[name], value)
        else:
            merged[name] = value
    return merged
