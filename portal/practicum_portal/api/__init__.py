"""The HTTP API, version 1: thin over the services."""

from fastapi import APIRouter

from practicum_portal.api import cohorts, events, me, reports, runs, sandboxes, usage

PREFIX = "/api/v1"


def router() -> APIRouter:
    """Return all routes of the API."""
    made = APIRouter(prefix=PREFIX)
    for module in (me, events, sandboxes, cohorts, reports, runs, usage):
        made.include_router(module.router)
    return made
