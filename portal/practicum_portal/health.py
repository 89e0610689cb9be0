"""Whether the process lives, and whether it can serve."""

import math
from http import HTTPStatus

from fastapi import APIRouter, Request
from sqlalchemy import text
from starlette.responses import JSONResponse

from practicum_portal.database import DatabaseAwayError
from practicum_portal.dependencies import CurrentContainer

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def healthz(request: Request) -> JSONResponse:
    """The event loop turns, and what goes on for ever does so."""
    ended = [task.get_name() for task in request.app.state.background if task.done()]
    if ended:
        return JSONResponse({"status": f"{', '.join(ended)} has ended"}, 503)
    return JSONResponse({"status": "alive"})


@router.get("/readyz")
async def readyz(container: CurrentContainer) -> JSONResponse:
    """The cluster has been listed once, and the database answers.

    Silence of the cluster since is no reason: pages say that they may be old, and runs report on.
    """
    silence, synced = container.cluster.silence(), container.cluster.synced
    database = await _database(container)
    ready = synced and database
    return JSONResponse(
        {
            "ready": ready,
            "cluster": {
                "synced": synced,
                "silent_seconds": round(silence, 1) if math.isfinite(silence) else None,
            },
            "database": database,
        },
        status_code=HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE,
    )


async def _database(container: CurrentContainer) -> bool:
    try:
        async with container.clients.database.read() as session:
            await session.execute(text("SELECT 1"))
    except DatabaseAwayError:
        return False
    return True
