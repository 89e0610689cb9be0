"""Visits: one request of a browser, with what every page handler needs."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from practicum_portal.clock import utc_now
from practicum_portal.container import Container, Services
from practicum_portal.dependencies import (
    LANGUAGE_COOKIE,
    get_container,
    session_cookie,
    signed_in,
    still_signed_in,
)
from practicum_portal.errors import ProblemError, SignInError
from practicum_portal.identity import Person, choose_language
from practicum_portal.pages.frames import Frame, Renderer
from practicum_portal.pages.problems import describe
from practicum_portal.signin import local_path
from practicum_portal.sse import Event
from practicum_portal.writing import ClusterAwayError

_SAFE = frozenset({"GET", "HEAD"})
FLASH_COOKIE = "practicum-flash"


@dataclass(frozen=True)
class Visit:
    """A request of a browser by a signed-in person."""

    request: Request
    container: Container
    person: Person
    renderer: Renderer

    @property
    def services(self) -> Services:
        """What does the work."""
        return self.container.services

    def frame(self) -> Frame:
        """Return the frame of a page as of now."""
        return frame_of(self.request, self.person)

    def page(
        self, template: str, *, status: HTTPStatus = HTTPStatus.OK, **context: object
    ) -> Response:
        """Return a page; a flash that it shows is not shown again."""
        frame = self.frame()
        response = HTMLResponse(self.renderer.html(template, frame, context), status)
        if frame.flash_word:
            response.delete_cookie(FLASH_COOKIE, path="/")
        return response

    def part(self, target: str, template: str, **context: object) -> str:
        """Return a template as an update of the element ``target`` of an open page."""
        html = self.renderer.html(template, self.frame(), context)
        return f'<hx-partial hx-target="#{target}" hx-swap="outerMorph">{html}</hx-partial>'

    def done(self, word: str, place: str) -> Response:
        """Return a redirect to a path on this site that says ``word`` (see `FLASHES`) there."""
        response = RedirectResponse(local_path(place), HTTPStatus.SEE_OTHER)
        response.set_cookie(
            FLASH_COOKIE,
            word,
            max_age=60,
            path="/",
            httponly=True,
            samesite="lax",
            secure=self.container.settings.secure,
        )
        return response

    def stream(self, parts: AsyncGenerator[str, None]) -> Response:
        """Return a stream of updates for as long as the person keeps the rights it began with."""
        return self.container.streams.response(
            _events(parts),
            who=self.person.name,
            still=still_signed_in(self.request, self.person),
        )

    async def field(self, name: str, default: str = "") -> str:
        """Return a field of the form that was sent."""
        value = (await self.request.form()).get(name, default)
        return value if isinstance(value, str) else default


async def _events(parts: AsyncGenerator[str, None]) -> AsyncGenerator[Event, None]:
    async with aclosing(parts):
        async for part in parts:
            yield Event(part)


def frame_of(request: Request, person: Person | None) -> Frame:
    """Return the frame of a page for whoever asks."""
    container = get_container(request)
    language = choose_language(
        request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language")
    )
    return Frame(
        language=language,
        path=request.url.path,
        query=request.url.query,
        origin="" if request.method in _SAFE else _referring_page(request),
        now=utc_now(),
        person=person,
        hub_url=container.settings.hub_public_url,
        stale=container.cluster.silence() > container.settings.cluster_stale_seconds,
        flash_word=request.cookies.get(FLASH_COOKIE, ""),
        has_session=session_cookie(container.settings) in request.cookies,
    )


def _referring_page(request: Request) -> str:
    parts = urlsplit(request.headers.get("referer", ""))
    return local_path(f"{parts.path}?{parts.query}" if parts.query else parts.path)


async def _visit(request: Request) -> Visit:
    person = await signed_in(request)
    if not get_container(request).cluster.synced:
        raise ClusterAwayError("nothing was listed yet")
    request.state.person = person
    return Visit(request, get_container(request), person, request.app.state.renderer)


async def _maybe_visit(request: Request) -> Visit | None:
    try:
        return await _visit(request)
    except SignInError:
        return None


CurrentVisit = Annotated[Visit, Depends(_visit)]
MaybeVisit = Annotated[Visit | None, Depends(_maybe_visit)]


def public_page(request: Request, template: str, **context: object) -> Response:
    """Return a page for someone who is not signed in."""
    renderer: Renderer = request.app.state.renderer
    return HTMLResponse(renderer.html(template, frame_of(request, None), context))


def render_problem(request: Request, problem: ProblemError) -> Response:
    """Return the page that says what went wrong and what to do."""
    renderer: Renderer = request.app.state.renderer
    frame = frame_of(request, getattr(request.state, "person", None))
    html = renderer.html("error.html", frame, {"problem": describe(problem, frame)})
    return HTMLResponse(html, problem.status)
