"""A real HTTP server that plays the portal, well or badly, and what every test here needs."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from practicum_labs import messages, track
from practicum_labs.settings import LabSettings

Reply = tuple[int, dict[str, str], bytes]
Scene = Callable[[str, str, dict[str, Any]], "Reply | None"]


@dataclass
class FakePortal:
    """Runs as the portal would keep them; ``scene`` may answer first."""

    url: str = ""
    scene: Scene | None = None
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[tuple[str, str, int]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    def values(self, run_id: str, metric: str) -> list[Any]:
        points = self.runs[run_id]["points"]
        return [points[seq]["values"].get(metric) for seq in sorted(points)]

    def answer(self, method: str, path: str, body: dict[str, Any]) -> Reply:
        if self.scene and (reply := self.scene(method, path, body)):
            return reply
        run_id, _, action = path.removeprefix("/api/v1/runs/").partition("/")
        if method == "PUT":
            self.runs.setdefault(run_id, {**body, "points": {}, "finish": None})
            return 201, {}, b"{}"
        if run_id not in self.runs:
            return 404, {}, b'{"title":"no such run"}'
        if action == "points":
            for point in body["points"]:
                self.runs[run_id]["points"].setdefault(point["seq"], point)
        else:
            self.runs[run_id]["finish"] = body
        return 200, {}, b"{}"


def _handler(portal: FakePortal) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers["Content-Length"])
            body = json.loads(self.rfile.read(length))
            portal.tokens.add(self.headers["Authorization"])
            status, headers, content = portal.answer(self.command, self.path, body)
            portal.requests.append((self.command, self.path, status))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_PUT = do_POST = do_GET = _serve  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@pytest.fixture
def portal() -> Iterator[FakePortal]:
    fake = FakePortal()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    fake.url = f"http://127.0.0.1:{server.server_address[1]}/api/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield fake
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def fresh_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give every test its own idea of what this process tracks."""
    for name in (
        "PRACTICUM_API_URL",
        "JUPYTERHUB_API_TOKEN",
        "PRACTICUM_LAB",
        "PRACTICUM_LANGUAGE",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(messages, "_spoken", ["en"])
    monkeypatch.setattr(track, "_process", track._Process(pid=0))
    monkeypatch.setattr(track.atexit, "register", lambda _: None)
    yield
    track._this_process().stop(0.0)


@pytest.fixture
def settings(tmp_path: Path, portal: FakePortal, monkeypatch: pytest.MonkeyPatch) -> LabSettings:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "secret-token")
    return LabSettings(
        api_url=portal.url, workspace=tmp_path / "work", heartbeats=tmp_path / "beats", lab="lora"
    )
