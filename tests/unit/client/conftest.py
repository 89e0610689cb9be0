"""The command against the real portal, served on a port of its own, with the portal's fakes."""

import asyncio
import importlib.util
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import uvicorn
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from practicum_client.cli import app
from practicum_portal.app import create_app
from practicum_portal.container import Clients
from practicum_portal.database import Database
from practicum_portal.hub import HubUser, TokenOwner
from practicum_portal.settings import Settings

DEADLINE = 60.0


def _portal_fakes() -> ModuleType:
    """The fakes that the portal's own tests use; one set of them is enough."""
    path = Path(__file__).parents[1] / "portal" / "conftest.py"
    spec = importlib.util.spec_from_file_location("portal_test_fakes", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FAKES = _portal_fakes()


class Portal:
    """The portal in a thread, and the world around it."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.url = f"http://practicum.localhost:{self.port}"
        self.kubernetes = FAKES.FakeKubernetes()
        self.hub = FAKES.FakeHub()
        self.prometheus = FAKES.FakePrometheus()
        self._settings = Settings(
            public_url=self.url,
            hub_public_url="http://hub.test:8000",
            hub_token=SecretStr("service-token"),
            session_key=SecretStr("k" * 32),
            database_url=f"sqlite:///{folder}/portal.db",
            heartbeat_seconds=0.05,
            starts_per_minute=60,
            token_seconds=0,
            revocation_seconds=0,
        )
        self._up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._up.wait(DEADLINE)

    def close(self) -> None:
        self.server.should_exit = True
        self._thread.join(DEADLINE)

    def call(self, function: Callable[..., Any], *given: Any) -> Any:
        """Run something where the portal runs, and let it hear of it."""

        async def run() -> Any:
            found = function(*given)
            if asyncio.iscoroutine(found):
                found = await found
            await asyncio.sleep(0.05)
            return found

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(DEADLINE)

    def put(self, plural: str, body: dict[str, Any]) -> None:
        self.call(self.kubernetes.put, plural, body)

    def sandbox(self, owner: str = "trainee", **how: Any) -> dict[str, Any]:
        body: dict[str, Any] = FAKES.sandbox(owner, **how)
        self.put("sandboxes", body)
        return body

    def body(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.kubernetes.body("sandboxes", name, "practicum-class-a")
        return found

    def token(self, person: str, *, admin: bool = False) -> str:
        self.hub.users.setdefault(person, HubUser(person, admin, frozenset()))
        token = f"token-{person}"
        self.hub.tokens[token] = TokenOwner(person, frozenset({FAKES.ACCESS}))
        return token

    def report(self, owner: str, server: str) -> str:
        token = f"report-{owner}"
        self.hub.users.setdefault(owner, HubUser(owner, False, frozenset()))
        scope = f"custom:practicum:report!server={owner}/{server}"
        self.hub.tokens[token] = TokenOwner(owner, frozenset({scope}))
        return token

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        for plural, body in (
            ("labs", FAKES.lab()),
            ("cohorts", FAKES.cohort()),
            ("cohorts", FAKES.cohort("class-b")),
        ):
            self.kubernetes.put(plural, body)
        database = Database(self._settings.database_url)
        clients = Clients(self.kubernetes, self.hub, self.prometheus, database)
        application = create_app(self._settings, clients, background=False)
        self.container = application.state.container
        config = uvicorn.Config(application, port=self.port, log_level="warning", ws="none")
        self.server = uvicorn.Server(config)
        serving = asyncio.create_task(self.server.serve())
        while not self.server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        following = asyncio.create_task(self.container.cluster.run())
        while not self.container.cluster.synced:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.01)
        await self._enrol()
        self._up.set()
        await serving
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)

    async def _enrol(self) -> None:
        from practicum_portal.store import people

        async with self.container.clients.database.write() as session:
            await people.enrol(
                session,
                uid="uid-class-a",
                cohort="class-a",
                entries=[
                    people.Entry("trainee", "trainee"),
                    people.Entry("instructor", "instructor"),
                ],
                by="admin",
                now=FAKES.NOW,
            )


@dataclass
class Command:
    """`practicum`, as one person with a configuration folder of their own."""

    portal: Portal
    env: dict[str, str]

    def __call__(self, *words: str, person: str = "", stdin: str | None = None) -> Result:
        env = dict(self.env)
        if person:
            env |= {"PRACTICUM_URL": self.portal.url, "PRACTICUM_TOKEN": self.portal.token(person)}
        return CliRunner().invoke(app, list(words), env=env, input=stdin)

    def json(self, *words: str, person: str = "trainee") -> Any:
        found = self(*words, "--json", person=person)
        assert found.exit_code == 0, found.output
        return json.loads(found.stdout)


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    made = Portal(tmp_path)
    made.start()
    yield made
    made.close()


@pytest.fixture
def practicum(portal: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setattr("practicum_client.portal.RECONNECT", 0.05)
    env = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "PRACTICUM_LANG": "en", "COLUMNS": "160"}
    return Command(portal, env)


@pytest.fixture
def wait() -> Callable[[Callable[[], Any]], Any]:
    def until(check: Callable[[], Any]) -> Any:
        end = time.monotonic() + DEADLINE
        while not (found := check()):
            assert time.monotonic() < end
            time.sleep(0.02)
        return found

    return until
