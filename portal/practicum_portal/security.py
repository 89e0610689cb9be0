"""Middleware that guards every response and request: headers, sizes, and the time they take."""

import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from practicum_portal.errors import TooLargeError
from practicum_portal.metrics import Metrics


def policy(*, hub_public_url: str) -> str:
    """Return the content security policy: our own files alone, no frames, no inline scripts."""
    return "; ".join(
        (
            "default-src 'self'",
            "img-src 'self' data:",
            "style-src 'self'",
            "script-src 'self'",
            "connect-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            # Signing out posts here and goes on to JupyterHub.
            f"form-action 'self' {hub_public_url}",
            "frame-ancestors 'none'",
        )
    )


def protection(*, hub_public_url: str, secure: bool) -> dict[str, str]:
    """Return the headers that browsers need to protect people from pages of others."""
    headers = {
        "Content-Security-Policy": policy(hub_public_url=hub_public_url),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
    if secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


class SecurityHeaders:
    """Adds headers to every response; what is not of `/static` is not kept by anyone."""

    def __init__(self, app: ASGIApp, *, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/static/"):
                    # JupyterHub's own pages, on another origin, show our icon.
                    headers["Cross-Origin-Resource-Policy"] = "same-site"
                else:
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class BodyLimit:
    """Refuses requests whose body is larger than is accepted, before anyone reads it."""

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Request(scope).headers.get("content-length", "0")
        if not announced.isdecimal() or int(announced) > self._most:
            await self._refuse(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._most:
                # The framework lets no other error through while it reads a body.
                status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
                raise HTTPException(status) from self._problem()
            return message

        await self._app(scope, counted, send)

    def _problem(self) -> TooLargeError:
        return TooLargeError(
            f"The request is larger than {self._most // 1024} KiB.",
            hint="Send it in smaller parts.",
            params={"kib": self._most // 1024},
        )

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = self._problem()
        response = JSONResponse(
            problem.body(),
            status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            media_type="application/problem+json",
            headers={"Connection": "close"},
        )
        await response(scope, receive, send)


class Timing:
    """Measures requests by route, method and status. A stream counts until its headers.

    The framework answers what nobody expected outside of all middleware: that is a 500 here.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics, skip: Iterable[str] = ()) -> None:
        self._app = app
        self._metrics = metrics
        self._skip = frozenset(skip)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http" or scope["path"] in self._skip:
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        counted = False

        def count(status: int) -> None:
            nonlocal counted
            counted = True
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.request(route, scope["method"], status, time.perf_counter() - began)

        async def send_timed(message: Message) -> None:
            if message["type"] == "http.response.start":
                count(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, send_timed)
        except Exception:
            if not counted:
                count(HTTPStatus.INTERNAL_SERVER_ERROR)
            raise
