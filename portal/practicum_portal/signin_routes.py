"""Signing in and out, in a browser."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from practicum_portal.dependencies import CurrentContainer, CurrentPerson, session_cookie
from practicum_portal.errors import ForbiddenError
from practicum_portal.signin import LOGIN_SECONDS, login_cookie

router = APIRouter(include_in_schema=False)

_CALLBACK = "/oauth/callback"


@router.get("/login")
async def login(container: CurrentContainer, next: str = "/") -> Response:  # noqa: A002 - the query
    """Send the browser to JupyterHub, with what it must bring back in a sealed cookie."""
    departure = container.signin.depart(next)
    response = RedirectResponse(departure.url, status_code=HTTPStatus.SEE_OTHER)
    response.set_cookie(
        departure.cookie,
        departure.sealed,
        max_age=LOGIN_SECONDS,
        path="/",
        secure=container.settings.secure,
        httponly=True,
        samesite="lax",
    )
    return response


@router.get(_CALLBACK)
async def callback(
    request: Request,
    container: CurrentContainer,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=500)] = "",
    error: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """End the sign-in and go where the person wanted to go."""
    if error:
        raise ForbiddenError(
            "JupyterHub did not let you in.",
            hint="Sign in with another account, or ask an administrator.",
            code="sign-in-refused",
            params={"error": error},
        )
    settings = container.settings
    cookie = login_cookie(state, secure=settings.secure)
    arrival = await container.signin.arrive(
        code=code, state=state, sealed=request.cookies.get(cookie)
    )
    response = RedirectResponse(arrival.next, status_code=HTTPStatus.SEE_OTHER)
    response.set_cookie(
        session_cookie(settings),
        arrival.secret,
        max_age=int(settings.session_hours * 3600),
        path="/",
        secure=settings.secure,
        httponly=True,
        samesite="lax",
    )
    response.delete_cookie(cookie, path="/", secure=settings.secure, httponly=True)
    return response


@router.post("/logout")
async def logout(request: Request, _: CurrentPerson, container: CurrentContainer) -> Response:
    """End the session here, then at JupyterHub, which would let the browser in again."""
    name = session_cookie(container.settings)
    secret = request.cookies.get(name)
    if secret:
        await container.signin.leave(secret)
    response = RedirectResponse(
        f"{container.settings.hub_public_url}/hub/logout", status_code=HTTPStatus.SEE_OTHER
    )
    response.delete_cookie(name, path="/", secure=container.settings.secure, httponly=True)
    return response
