"""From errors to responses: problem+json for programs, a page for browsers."""

import logging
import math
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from practicum_portal.errors import InvalidError, ProblemError, SignInError
from practicum_portal.signin import local_path

log = logging.getLogger(__name__)

API_PREFIX = "/api/"

Page = Callable[[Request, ProblemError], Response]


class _HttpError(ProblemError):
    """What the framework itself refuses, such as a path that is not there."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail, code=HTTPStatus(status).phrase.lower().replace(" ", "-"))
        self.status = HTTPStatus(status)


def install(app: FastAPI, *, headers: Mapping[str, str], page: Page) -> None:
    """Let every error leave the portal as a problem; ``headers`` go with the unexpected ones.

    The framework answers those outside of the middleware that adds headers to all others.
    """
    app.add_exception_handler(ProblemError, partial(_problem, page=page))
    app.add_exception_handler(RequestValidationError, partial(_invalid, page=page))
    app.add_exception_handler(HTTPException, partial(_http, page=page))
    headers = {**headers, "Cache-Control": "no-store"}
    app.add_exception_handler(Exception, partial(_unexpected, headers=headers, page=page))


def respond(request: Request, problem: ProblemError, *, page: Page) -> Response:
    """Return ``problem`` in the form that the client reads: JSON, or as ``page`` shows it."""
    headers = {}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(problem.retry_after)))
    if problem.status is HTTPStatus.SERVICE_UNAVAILABLE:
        log.warning("%s %s: %s %s", request.method, request.url.path, problem, problem.params)
    if not _for_browser(request):
        if problem.status is HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(
            problem.body(),
            status_code=problem.status,
            headers=headers,
            media_type="application/problem+json",
        )
    if isinstance(problem, SignInError):
        return _to_login(request)
    response = page(request, problem)
    response.headers.update(headers)
    return response


def _for_browser(request: Request) -> bool:
    if request.url.path.startswith(API_PREFIX):
        return False
    accepts = request.headers.get("accept", "")
    return "text/html" in accepts or "hx-request" in request.headers


def _to_login(request: Request) -> Response:
    """Send a browser to sign in, and back to where the person was."""
    if "hx-request" in request.headers:
        place = local_path(_path(request.headers.get("hx-current-url", "/")))
        return Response(
            status_code=HTTPStatus.UNAUTHORIZED,
            headers={"HX-Redirect": f"/login?next={quote(place, safe='')}"},
        )
    here = _path(str(request.url))
    if request.method != "GET":
        here = _path(request.headers.get("referer", "/"))
    return RedirectResponse(
        f"/login?next={quote(local_path(here), safe='')}", status_code=HTTPStatus.SEE_OTHER
    )


def _path(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


async def _problem(request: Request, error: Exception, *, page: Page) -> Response:
    if not isinstance(error, ProblemError):
        raise error
    return respond(request, error, page=page)


async def _invalid(request: Request, error: Exception, *, page: Page) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    errors = tuple(
        {
            "field": ".".join(str(part) for part in item["loc"][1:]) or str(item["loc"][0]),
            "message": item["msg"],
        }
        for item in error.errors()
    )
    first = errors[0]
    problem = InvalidError(
        f"{first['field']}: {first['message']}",
        hint="Correct the fields that are named and send it again.",
        errors=errors[:20],
    )
    return respond(request, problem, page=page)


async def _http(request: Request, error: Exception, *, page: Page) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    problem = error.__cause__
    if not isinstance(problem, ProblemError):
        problem = _HttpError(error.status_code, str(error.detail))
    response = respond(request, problem, page=page)
    response.headers.update(error.headers or {})
    return response


async def _unexpected(
    request: Request, error: Exception, *, headers: Mapping[str, str], page: Page
) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    response = respond(
        request,
        ProblemError(
            "Something in the portal went wrong.",
            hint="Try again. If it stays so, tell an administrator the time and the page.",
        ),
        page=page,
    )
    response.headers.update(headers)
    return response
