"""Live: updates of open pages as server-sent events, each a few elements to put in place."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from practicum_portal.errors import NotFoundError
from practicum_portal.pages import tables
from practicum_portal.pages.cards import card_id
from practicum_portal.pages.cohorts import taught
from practicum_portal.pages.home import latest_runs, several_cohorts
from practicum_portal.pages.tables import Filter
from practicum_portal.pages.visits import CurrentVisit, Visit
from practicum_portal.views.labs import LabOffer
from practicum_portal.views.sandboxes import SandboxView

router = APIRouter(prefix="/live", include_in_schema=False)

PAUSE_SECONDS = 0.7
"""Least time between two updates of a cohort's table, however much happens in it."""
REFRESH_SECONDS = 15.0
"""Most time between them, since runs and spans change without news of a sandbox."""


@router.get("/labs")
async def labs(visit: CurrentVisit) -> Response:
    """Stream the cards of a trainee's labs as they change."""
    return visit.stream(_cards(visit))


@router.get("/sandboxes/{cohort}/{name}")
async def sandbox(visit: CurrentVisit, cohort: str, name: str) -> Response:
    """Stream the page of a sandbox as it changes."""
    visit.services.sandboxes.get(visit.person, cohort, name)
    return visit.stream(_sandbox(visit, cohort, name))


@router.get("/cohorts/{name}")
async def cohort(
    visit: CurrentVisit, name: str, who: str = "", lab: str = "", state: str = "", sort: str = ""
) -> Response:
    """Stream the table of a cohort as it changes, narrowed as the page is."""
    await taught(visit, name)
    return visit.stream(_table(visit, name, Filter.of(who, lab, state, sort)))


async def _cards(visit: Visit) -> AsyncGenerator[str, None]:
    shown: dict[str, LabOffer] = {}
    async with aclosing(_changes(visit)) as changes:
        async for _ in changes:
            offers = visit.services.labs.list_for(visit.person)
            now = {card_id(offer.cohort, offer.lab.name): offer for offer in offers}
            changed = {key: offer for key, offer in now.items() if shown.get(key) != offer}
            shown = now
            if not changed:
                continue
            named, latest = several_cohorts(offers), await latest_runs(visit)
            yield "".join(
                visit.part(key, "lab_card.html", offer=offer, latest=latest, show_cohort=named)
                for key, offer in changed.items()
            )


async def _sandbox(visit: Visit, cohort: str, name: str) -> AsyncGenerator[str, None]:
    shown: SandboxView | None = None
    async with aclosing(_changes(visit, cohort=cohort, name=name)) as changes:
        async for _ in changes:
            try:
                now = visit.services.sandboxes.get(visit.person, cohort, name)
            except NotFoundError:
                yield visit.part("sandbox", "sandbox_gone.html", sandbox=shown)
                return
            if now != shown:
                shown = now
                found = await visit.services.runs.list_for(
                    visit.person, cohort=cohort, sandbox=name, limit=5
                )
                yield visit.part("sandbox", "sandbox_body.html", sandbox=now, runs=found.items)


async def _table(visit: Visit, name: str, wanted: Filter) -> AsyncGenerator[str, None]:
    changes = _changes(visit, cohort=name)
    async with aclosing(paced(changes, pause=PAUSE_SECONDS, most=REFRESH_SECONDS)) as moments:
        async for _ in moments:
            rows = await visit.services.cohorts.table(visit.person, name)
            room = await visit.services.cohorts.get(visit.person, name)
            yield visit.part(
                "counts", "cohort_counts.html", counts=tables.count(rows)
            ) + visit.part(
                "table",
                "cohort_table.html",
                cohort=room,
                rows=tables.arrange(rows, wanted),
                filtered=wanted.narrows,
            )


async def _changes(visit: Visit, **which: str) -> AsyncGenerator[Any, None]:
    """Yield once at the start, then at every change of the sandboxes in question."""
    yield None
    async for change in visit.services.sandboxes.watch(visit.person, **which):
        yield change


async def paced(
    changes: AsyncIterator[Any],
    *,
    pause: float,
    most: float,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> AsyncGenerator[None, None]:
    """Yield after changes, at least ``pause`` and at most ``most`` seconds apart."""
    news = asyncio.Event()

    async def listen() -> None:
        async for _ in changes:
            news.set()

    listener = asyncio.create_task(listen())
    listener.add_done_callback(lambda _: news.set())
    try:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(most):
                    await news.wait()
            if listener.done():
                listener.result()
                return
            news.clear()
            yield None
            await sleep(pause)
    finally:
        listener.cancel()
        with suppress(asyncio.CancelledError):
            await listener
