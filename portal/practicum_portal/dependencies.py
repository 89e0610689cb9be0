"""What routes ask for: the services, and who asks."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from practicum_portal.container import Container, Services
from practicum_portal.errors import ForbiddenError, SignInError
from practicum_portal.identity import Person, Reporter, choose_language
from practicum_portal.settings import Settings

LANGUAGE_COOKIE = "practicum-language"
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf_token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def session_cookie(settings: Settings) -> str:
    """Return the name of the session cookie; `__Host-` keeps sibling hosts from setting it."""
    return "__Host-practicum" if settings.secure else "practicum"


def get_container(request: Request) -> Container:
    """Return what `create_app` put together."""
    container: Container = request.app.state.container
    return container


def get_services(request: Request) -> Services:
    """Return the services."""
    return get_container(request).services


async def signed_in(request: Request) -> Person:
    """Return who asks, by session or bearer token; raise a problem for anyone else.

    With a session, whatever may change something must come from our own pages.
    """
    token = _bearer(request)
    who = await (_of_token(request, token) if token else _of_session(request))
    if isinstance(who, Reporter):
        raise ForbiddenError(
            "A sandbox's token may report its runs and nothing else.",
            hint="Make a token of your own on JupyterHub's token page.",
            code="token-scope",
        )
    return who


async def reporting(request: Request) -> Reporter:
    """Return the sandbox that asks; raise a problem for anyone else."""
    token = _bearer(request)
    if token is None:
        raise SignInError("Runs are reported with the sandbox's token.", code="bad-token")
    who = await _of_token(request, token)
    if not isinstance(who, Reporter):
        raise ForbiddenError(
            "Runs are reported by sandboxes, with their own token.",
            hint="Run the notebook in your sandbox.",
            code="token-scope",
        )
    return who


def still_signed_in(request: Request, person: Person) -> Callable[[], Awaitable[bool]]:
    """Return a check for streams: whether the person still has the rights it began with."""

    async def check() -> bool:
        now = await signed_in(request)
        return (now.name, now.admin, now.memberships) == (
            person.name,
            person.admin,
            person.memberships,
        )

    return check


CurrentServices = Annotated[Services, Depends(get_services)]
CurrentContainer = Annotated[Container, Depends(get_container)]
CurrentPerson = Annotated[Person, Depends(signed_in)]
CurrentReporter = Annotated[Reporter, Depends(reporting)]


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() in {"bearer", "token"} else None


async def _of_token(request: Request, token: str) -> Person | Reporter:
    return await get_container(request).access.of_token(token)


async def _of_session(request: Request) -> Person:
    container = get_container(request)
    secret = request.cookies.get(session_cookie(container.settings))
    if not secret:
        raise SignInError("You are not signed in.", hint="Sign in.")
    person = await container.access.of_session(secret)
    if request.method not in _SAFE:
        _check_origin(request, container.settings)
        await _check_csrf(request, person)
    return _in_language(request, person)


def _in_language(request: Request, person: Person) -> Person:
    language = choose_language(
        request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language")
    )
    return Person(
        name=person.name,
        admin=person.admin,
        groups=person.groups,
        memberships=person.memberships,
        csrf_token=person.csrf_token,
        language=language,
    )


def _check_origin(request: Request, settings: Settings) -> None:
    """Refuse what other pages send. Sandboxes are same-site, so cookies alone say nothing."""
    origin = request.headers.get("origin") or _origin(request.headers.get("referer", ""))
    if origin != settings.public_url:
        raise ForbiddenError(
            "This request does not come from a page of the portal.",
            hint="Open the portal in a new tab and do it there.",
            code="foreign-origin",
        )


async def _check_csrf(request: Request, person: Person) -> None:
    sent = request.headers.get(CSRF_HEADER, "")
    if not sent and "form" in request.headers.get("content-type", ""):
        field = (await request.form()).get(CSRF_FIELD)
        sent = field if isinstance(field, str) else ""
    if not secrets.compare_digest(sent.encode(), person.csrf_token.encode()):
        raise ForbiddenError(
            "The page is too old for this.",
            hint="Reload the page and do it again.",
            code="csrf",
        )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
