"""The application: routes, middleware, and what runs as long as it does."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from practicum_portal import api, health, metrics, pages, problems, retention, signin_routes
from practicum_portal.api.paths import PREFIX
from practicum_portal.api.problems import ProblemModel
from practicum_portal.clock import Clock, utc_now
from practicum_portal.container import Clients, Container, build
from practicum_portal.migrations import migrate
from practicum_portal.security import BodyLimit, SecurityHeaders, Timing, protection
from practicum_portal.settings import Settings

log = logging.getLogger(__name__)

_PROBES = ("/healthz", "/readyz")
_DESCRIPTION = """
What a browser can do, a program can do too.

Send a token that you make on JupyterHub's token page, or with `practicum login`:
`Authorization: Bearer <token>`. Lists come in pages: give `next` as `cursor` for the following
one. Errors are `application/problem+json` with a stable `code`, and a `hint` that says what to do.
"""


def create_app(
    settings: Settings,
    clients: Clients,
    *,
    clock: Clock = utc_now,
    background: bool = True,
) -> FastAPI:
    """Return the portal. ``background`` is off in tests that drive the cache themselves."""
    container = build(settings, clients, clock=clock)
    app = FastAPI(
        title="Practicum",
        version="1",
        description=_DESCRIPTION,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(container, background=background),
        separate_input_output_schemas=False,
    )
    app.state.container = container
    app.state.background = []
    headers = protection(hub_public_url=settings.hub_public_url, secure=settings.secure)
    problems.install(app, headers=headers, page=pages.render_problem)
    for router in (health.router, signin_routes.router, *api.ROUTERS):
        app.include_router(router)
    pages.install(app)
    _describe(app)
    app.add_middleware(BodyLimit, most=settings.max_body_bytes)
    app.add_middleware(SecurityHeaders, headers=headers)
    app.add_middleware(Timing, metrics=container.metrics, skip=_PROBES)
    return app


def _lifespan(container: Container, *, background: bool) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(container.clients.close)
            if container.settings.migrate_at_start:
                await migrate(container.clients.database)
            if background:
                app.state.background += await _start(container, stack)
            yield
            container.streams.stop()

    return lifespan


async def _start(container: Container, stack: AsyncExitStack) -> "list[asyncio.Task[None]]":
    """Start what goes on for ever and return it: `/healthz` fails when any of it has ended."""
    settings = container.settings
    runner = await metrics.serve(container.metrics, host=settings.host, port=settings.metrics_port)
    stack.push_async_callback(runner.cleanup)
    database, cluster = container.clients.database, container.cluster
    following = container.metrics.follow(database, cluster)
    sweeping = retention.follow(
        database, cluster, grace=timedelta(days=settings.removed_cohort_days), clock=utc_now
    )
    tasks = [
        asyncio.create_task(cluster.run(), name="following the cluster"),
        asyncio.create_task(following, name="refreshing the metrics of runs"),
        asyncio.create_task(sweeping, name="sweeping up after removed cohorts"),
    ]
    for task in tasks:
        task.add_done_callback(_tell_end)
        stack.push_async_callback(_stop, task)
    return tasks


def _tell_end(task: "asyncio.Task[None]") -> None:
    if not task.cancelled():
        log.critical("%s has ended", task.get_name(), exc_info=task.exception())


async def _stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait({task})


def _describe(app: FastAPI) -> None:
    """Describe the API alone, with the form that its errors have."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
                separate_input_output_schemas=False,
            )
            shapes = schema["components"]["schemas"]
            problem = ProblemModel.model_json_schema(ref_template="#/components/schemas/{model}")
            shapes.update(problem.pop("$defs"))
            shapes["Problem"] = problem
            schema["components"]["securitySchemes"] = {
                "token": {"type": "http", "scheme": "bearer"}
            }
            schema["security"] = [{"token": []}]
            for name in ("HTTPValidationError", "ValidationError"):
                shapes.pop(name, None)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
