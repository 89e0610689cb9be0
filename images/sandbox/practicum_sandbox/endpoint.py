"""`GET /activity` on a port of its own: only the operator can reach it, no tab knows it."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

from practicum_sandbox.accelerators import utilization
from practicum_sandbox.activity import Accelerator, Kernel, Terminal, report
from practicum_sandbox.heartbeats import logged_runs

CONTENTS_EVENTS = "https://events.jupyter.org/jupyter_server/contents_service/v1"


class Activity:
    """Collects samples from one Jupyter server."""

    def __init__(
        self,
        serverapp: Any,
        heartbeats: Path,
        accelerators: Callable[[], list[Accelerator] | None] = utilization,
    ) -> None:
        self._serverapp = serverapp
        self._heartbeats = heartbeats
        self._accelerators = accelerators
        self._last_edit: datetime | None = None

    def watch_edits(self) -> None:
        """Count saving, renaming and deleting as work; a page that only looks saves nothing."""
        self._serverapp.event_logger.add_listener(
            schema_id=CONTENTS_EVENTS, listener=self._contents_event
        )

    async def sample(self) -> dict[str, Any]:
        """The report of this moment."""
        accelerators = await asyncio.to_thread(self._accelerators)
        return report(
            kernels=self._kernels(),
            terminals=self._terminals(),
            runs=logged_runs(self._heartbeats),
            accelerators=accelerators,
            last_edit=self._last_edit,
            now=datetime.now(UTC),
        )

    async def _contents_event(self, logger: Any, schema_id: str, data: dict[str, Any]) -> None:  # noqa: ARG002
        if data.get("action") != "get":
            self._last_edit = datetime.now(UTC)

    def _kernels(self) -> list[Kernel]:
        manager = self._serverapp.kernel_manager
        kernels = ((id_, manager.get_kernel(id_)) for id_ in manager.list_kernel_ids())
        return [
            Kernel(
                id_,
                getattr(kernel, "execution_state", "unknown"),
                getattr(kernel, "last_activity", None),
            )
            for id_, kernel in kernels
        ]

    def _terminals(self) -> list[Terminal]:
        manager = self._serverapp.web_app.settings.get("terminal_manager")
        terminals = manager.terminals.values() if manager else ()
        return [Terminal(getattr(terminal, "last_activity", None)) for terminal in terminals]


class ActivityHandler(RequestHandler):  # type: ignore[misc]
    """Answers with the report; there is nothing else on this port."""

    def initialize(self, activity: Activity) -> None:
        """Take the collector from the application's settings."""
        self.activity = activity

    async def get(self) -> None:
        """The report as JSON."""
        self.set_header("Cache-Control", "no-store")
        self.finish(await self.activity.sample())


def listen(activity: Activity, port: int) -> HTTPServer:
    """Serve `activity` on every address of the Pod; raises OSError when the port is taken."""
    application = Application(
        [("/activity", ActivityHandler, {"activity": activity})], log_function=_log_nothing
    )
    return application.listen(port)


def _log_nothing(handler: RequestHandler) -> None:
    """The operator's questions are not worth a line each."""
