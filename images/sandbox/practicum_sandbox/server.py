"""The single-user server of a sandbox: JupyterHub's, with two things of ours.

It does not wait for the Hub before it serves, and it says on a second port what is going on.
"""

import asyncio
import os
from typing import Any

import aiohttp
from jupyterhub import __version__
from jupyterhub._version import _check_version
from jupyterhub.httpclient import fetch
from jupyterhub.singleuser.extension import JupyterHubSingleUser

from practicum_sandbox import lean
from practicum_sandbox.endpoint import Activity, listen
from practicum_sandbox.settings import SandboxSettings

FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 60.0


class SandboxServer(JupyterHubSingleUser):  # type: ignore[misc]
    """Jupyter Server extension and entry point."""

    _version_task: "asyncio.Task[None] | None" = None
    _listener: Any = None

    @classmethod
    async def _start_jupyter_server_extension(cls, serverapp: Any) -> None:
        """Runs once, when the server's event loop does."""
        lean.settle()
        settings = SandboxSettings.from_environment(os.environ)
        activity = Activity(serverapp, settings.heartbeats)
        activity.watch_edits()
        cls._listener = listen(activity, settings.activity_port)

    async def check_hub_version(self) -> None:
        """Compare versions with the Hub when it answers, however late.

        Upstream waits here, and ends the server after five tries: a Hub that restarts would
        take down every sandbox that starts meanwhile. Only the route needs the Hub.
        """
        self._version_task = asyncio.ensure_future(self._compare_versions())

    async def _compare_versions(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                answer = await fetch(self.hub_auth.api_url, **self.hub_http_client_opts)
            except (aiohttp.ClientError, OSError) as error:
                self.log.warning("The Hub does not answer yet: %s", error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            else:
                _check_version(answer.headers.get("X-JupyterHub-Version"), __version__, self.log)
                return

    async def stop_extension(self) -> None:
        """Stop listening and whatever still waits."""
        if self._version_task is not None:
            self._version_task.cancel()
        if self._listener is not None:
            self._listener.stop()
        await super().stop_extension()
