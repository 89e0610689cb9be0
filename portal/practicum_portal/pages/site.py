"""The site: all pages, their files, and how they say that something went wrong."""

from http import HTTPStatus

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import Response

from practicum_portal.pages import admin, cohorts, home, live, runs, sandboxes
from practicum_portal.pages.assets import Assets
from practicum_portal.pages.frames import Renderer
from practicum_portal.pages.visits import MaybeVisit


def install(app: FastAPI) -> None:
    """Put the pages into ``app``."""
    app.state.renderer = Renderer()
    app.mount("/static", Assets(), name="static")
    for part in (home, sandboxes, runs, cohorts, admin, live):
        app.include_router(part.router)
    app.add_api_route("/{path:path}", nowhere, methods=["GET"], include_in_schema=False)


async def nowhere(_: MaybeVisit) -> Response:
    """Say that there is no such page, to whoever is signed in with their navigation."""
    raise HTTPException(HTTPStatus.NOT_FOUND)
