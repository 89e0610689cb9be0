"""Run the operator: ``python -m practicum_operator``."""

import asyncio
import gc
import logging
import os
import secrets
import sys
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from socket import gethostname

import aiohttp
import kopf

from practicum_operator.activity import Activity
from practicum_operator.cache import Cache, Key
from practicum_operator.changes import spread
from practicum_operator.context import Context, policy_of, site_of
from practicum_operator.desk import Desk
from practicum_operator.engine import RARE, Engine
from practicum_operator.hub import Hub
from practicum_operator.kubernetes import Kubernetes
from practicum_operator.lease import Lease, LeaseLostError
from practicum_operator.metrics import Metrics, StateCollector, UseMeter
from practicum_operator.registrar import Registrar
from practicum_operator.server import ProbeServer
from practicum_operator.settings import Settings
from practicum_operator.shell import build_registry, build_settings
from practicum_operator.workqueue import WorkQueue

_TOKEN_BYTES = 32


def build_context(
    settings: Settings,
    kubernetes: Kubernetes,
    hub: Hub,
    session: aiohttp.ClientSession,
    metrics: Metrics,
) -> Context:
    """Return the operator's parts, wired together."""
    cache = Cache()
    queue: WorkQueue[Key] = WorkQueue()
    context = Context(
        settings=settings,
        policy=policy_of(settings),
        site=site_of(settings),
        kubernetes=kubernetes,
        activity=Activity(session),
        registrar=Registrar(hub, queue.add),
        desk=Desk(cache, queue.add),
        cache=cache,
        queue=queue,
        metrics=metrics,
        meter=UseMeter(metrics, cache, started=utc_now()),
        changed=lambda kind, before, after: spread(context, kind, before, after),
        now=utc_now,
        monotonic=time.monotonic,
        token=partial(secrets.token_hex, _TOKEN_BYTES),
    )
    metrics.registry.register(StateCollector(cache, context.desk))
    return context


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


async def run(settings: Settings) -> None:
    """Run until a signal ends it."""
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        kubernetes = await stack.enter_async_context(
            Kubernetes.connect(
                settings.kubeconfig,
                connections=settings.connections,
                wait=settings.request_timeout,
                observe=metrics.count_request,
            )
        )
        session = await stack.enter_async_context(aiohttp.ClientSession())
        token = settings.hub_token.get_secret_value()
        hub = Hub(session, settings.hub_api_url, token, settings.hub_timeout)
        context = build_context(settings, kubernetes, hub, session, metrics)
        metrics.queue_length.set_function(lambda: len(context.queue))
        engine = Engine(context, hub)
        server = ProbeServer(
            metrics.registry,
            alive=lambda: engine.alive,
            synced=lambda: engine.synced,
            before_scrape=lambda: context.meter.count_all(utc_now()),
        )
        await server.start(settings.listen_host, settings.listen_port)
        stack.push_async_callback(server.stop)
        logging.getLogger(__name__).info("listening on port %d", server.port)
        lease = _lease(settings, kubernetes)
        if lease is not None:
            await lease.acquire()
            stack.push_async_callback(lease.release)
        await engine.start()
        # What was listed stays; walking it at each collection would cost a tenth of the time.
        gc.freeze()
        stack.push_async_callback(engine.stop)
        if lease is not None:
            keeping = asyncio.create_task(_keep(lease))
            stack.callback(keeping.cancel)
        await kopf.operator(
            registry=build_registry(RARE, engine.observe, kubernetes),
            settings=build_settings(RARE),
            standalone=True,
            clusterwide=True,
        )


def _lease(settings: Settings, kubernetes: Kubernetes) -> Lease | None:
    if not settings.lease:
        return None
    # A container that was started again has its Pod's name, and so its Lease, without waiting.
    return Lease(kubernetes, settings.namespace, gethostname(), utc_now, time.monotonic)


async def _keep(lease: Lease) -> None:
    try:
        await lease.keep()
    except LeaseLostError as error:
        logging.getLogger(__name__).critical("stopping: %s", error)
        # Another may act from now on, so what is in hand is not finished either.
        os._exit(1)


def main() -> int:
    """Read the settings and run."""
    settings = Settings()
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("kopf").setLevel(logging.WARNING)
    asyncio.run(run(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
