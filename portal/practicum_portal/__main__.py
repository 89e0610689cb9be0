"""`python -m practicum_portal`: serve, migrate, or print the description of the API."""

import argparse
import asyncio
import json
import logging
import signal
import sys
from types import FrameType

import httpx
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from practicum_portal.app import create_app
from practicum_portal.container import Clients, Container
from practicum_portal.database import Database
from practicum_portal.hub import HubApi
from practicum_portal.kubernetes import KubernetesApi
from practicum_portal.migrations import migrate
from practicum_portal.prometheus import NoPrometheus, Prometheus, PrometheusApi
from practicum_portal.settings import Settings

_HUB_SECONDS = 10


def main() -> None:
    """Run the command that was given."""
    parser = argparse.ArgumentParser(prog="practicum_portal", description=__doc__)
    parser.add_argument(
        "command", nargs="?", choices=("serve", "migrate", "openapi"), default="serve"
    )
    command = parser.parse_args().command
    if command == "openapi":
        sys.stdout.write(openapi() + "\n")
        return
    settings = Settings()
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs each address it asks
    asyncio.run(_migrate(settings) if command == "migrate" else _serve(settings))


def openapi() -> str:
    """Return the description of the API; needs no settings and asks nobody."""
    settings = Settings(hub_token=SecretStr("none"), session_key=SecretStr("-" * 32))
    client = httpx.AsyncClient()
    clients = Clients(
        kubernetes=KubernetesApi(None, seconds=1),
        hub=HubApi(client, client_id="", token=""),
        prometheus=NoPrometheus(),
        database=Database("sqlite://"),
    )
    return json.dumps(create_app(settings, clients).openapi(), indent=2, ensure_ascii=False)


async def connect(settings: Settings) -> Clients:
    """Return clients for all outside systems."""
    prometheus: Prometheus = NoPrometheus()
    if settings.prometheus_url:
        prometheus = PrometheusApi(
            httpx.AsyncClient(
                base_url=settings.prometheus_url, timeout=settings.prometheus_timeout_seconds
            )
        )
    return Clients(
        kubernetes=await KubernetesApi.connect(
            kubeconfig=settings.kubeconfig,
            context=settings.kubernetes_context,
            seconds=settings.kubernetes_timeout_seconds,
        ),
        hub=HubApi(
            httpx.AsyncClient(base_url=settings.hub_api_url, timeout=_HUB_SECONDS),
            client_id=settings.oauth_client_id,
            token=settings.hub_token.get_secret_value(),
        ),
        prometheus=prometheus,
        database=_database(settings),
    )


class Server(uvicorn.Server):
    """Ends with 0 when it is told to stop, and ends event streams at once, which never end else."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Begin to stop; told so twice from the keyboard, don't wait for anyone."""
        app = self.config.app
        if isinstance(app, FastAPI):
            container: Container = app.state.container
            asyncio.get_running_loop().call_soon_threadsafe(container.streams.stop)
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


async def _serve(settings: Settings) -> None:
    app = create_app(settings, await connect(settings))
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        proxy_headers=True,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        server_header=False,
        access_log=False,
        log_config=None,
    )
    server = Server(config)
    await server.serve()
    if not server.started:
        sys.exit(1)


async def _migrate(settings: Settings) -> None:
    database = _database(settings)
    try:
        await migrate(database)
    finally:
        await database.close()


def _database(settings: Settings) -> Database:
    return Database(settings.database_url, wait_seconds=settings.database_wait_seconds)


if __name__ == "__main__":
    main()
