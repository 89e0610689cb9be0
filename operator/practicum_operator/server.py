"""The HTTP server for probes and metrics."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest


class ProbeServer:
    """Serves `/healthz` (all loops turn), `/readyz` (everything was listed) and `/metrics`."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        alive: Callable[[], bool],
        synced: Callable[[], bool],
        before_scrape: Callable[[], None],
    ) -> None:
        self._registry = registry
        self._alive = alive
        self._synced = synced
        self._before_scrape = before_scrape
        self._runner: web.AppRunner | None = None
        self.port = 0

    def application(self) -> web.Application:
        """Return the application that answers."""
        application = web.Application()
        application.add_routes(
            [
                web.get("/healthz", self._healthy),
                web.get("/readyz", self._ready),
                web.get("/metrics", self._metrics),
            ]
        )
        return application

    async def start(self, host: str, port: int) -> None:
        """Listen; ``port`` 0 picks a free one, which `self.port` then tells."""
        self._runner = web.AppRunner(self.application(), access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _healthy(self, _request: web.Request) -> web.Response:
        return _answer(None if self._alive() else "a loop has ended")

    async def _ready(self, _request: web.Request) -> web.Response:
        return _answer(None if self._synced() else "not everything was listed yet")

    async def _metrics(self, _request: web.Request) -> web.Response:
        self._before_scrape()
        body = generate_latest(self._registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _answer(trouble: str | None) -> web.Response:
    return web.Response(text=f"{trouble or 'ok'}\n", status=503 if trouble else 200)
