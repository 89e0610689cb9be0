"""Streams of what changes, as server-sent events."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request
from starlette.responses import StreamingResponse

from practicum_portal.api.paths import PREFIX
from practicum_portal.api.problems import problems
from practicum_portal.dependencies import (
    CurrentContainer,
    CurrentPerson,
    CurrentServices,
    still_signed_in,
)
from practicum_portal.paging import MOST
from practicum_portal.services.sandboxes import SandboxChange
from practicum_portal.sse import Event
from practicum_portal.views.runs import RunEvent

router = APIRouter(prefix=PREFIX)

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events until the client or the portal ends them; `retry` says when to"
        " come back.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.get(
    "/sandboxes/events",
    operation_id="watchSandboxes",
    tags=["sandboxes"],
    summary="Your sandboxes, or a cohort's, as they change",
    response_class=StreamingResponse,
    responses={**_STREAM, **problems()},
)
async def watch_sandboxes(
    request: Request,
    person: CurrentPerson,
    services: CurrentServices,
    container: CurrentContainer,
    cohort: Annotated[str | None, Query(description="Those of this cohort.")] = None,
) -> StreamingResponse:
    """Send `sandbox` events: each as it is and whenever it changes; `gone` at its end."""
    changes = services.sandboxes.watch(person, cohort=cohort)
    return container.streams.response(
        _sandbox_events(changes), who=person.name, still=still_signed_in(request, person)
    )


@router.get(
    "/sandboxes/{cohort}/{name}/events",
    operation_id="watchSandbox",
    tags=["sandboxes"],
    summary="A sandbox as it changes",
    response_class=StreamingResponse,
    responses={**_STREAM, **problems(404)},
)
async def watch_sandbox(
    cohort: str,
    name: str,
    request: Request,
    person: CurrentPerson,
    services: CurrentServices,
    container: CurrentContainer,
) -> StreamingResponse:
    """Send `sandbox` events: it as it is and whenever it changes; `gone` at its end."""
    changes = services.sandboxes.watch_one(person, cohort, name)
    return container.streams.response(
        _sandbox_events(changes), who=person.name, still=still_signed_in(request, person)
    )


@router.get(
    "/runs/{run_id}/events",
    operation_id="watchRun",
    tags=["runs"],
    summary="A run as it goes on",
    response_class=StreamingResponse,
    responses={**_STREAM, **problems(404)},
)
async def watch_run(
    run_id: Annotated[str, Path(max_length=64)],
    request: Request,
    person: CurrentPerson,
    services: CurrentServices,
    container: CurrentContainer,
    after: Annotated[int, Query(ge=0, le=MOST, description="Begin after this position.")] = 0,
    last_event_id: Annotated[
        str | None, Header(max_length=19, description="Goes on after this event.")
    ] = None,
) -> StreamingResponse:
    """Send `points` events with new points and the run as it is; their ids are positions."""
    position = int(last_event_id) if last_event_id and last_event_id.isdecimal() else after
    await services.runs.get(person, run_id)
    news = services.runs.watch(person, run_id, after=position)
    return container.streams.response(
        _run_events(news), who=person.name, still=still_signed_in(request, person)
    )


async def _sandbox_events(changes: AsyncIterator[SandboxChange]) -> AsyncIterator[Event]:
    async for change in changes:
        if change.sandbox is None:
            yield Event(json.dumps({"key": change.key}), name="gone")
        else:
            yield Event(change.sandbox.model_dump_json(), name="sandbox")


async def _run_events(news: AsyncIterator[RunEvent]) -> AsyncIterator[Event]:
    async for event in news:
        yield Event(event.model_dump_json(), name="points", id=str(event.position))
