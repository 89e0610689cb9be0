"""The one module that talks to JupyterHub's API: start, stop and look at named servers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp

_NO_CONTENT = 204
_BAD_REQUEST, _NOT_FOUND, _UNAVAILABLE = 400, 404, 503
_NOT_REACHED = frozenset({502, 504})
"""What a proxy before the Hub answers in its stead."""
_PAGE = 200


class HubError(Exception):
    """The Hub did not do what it was asked for; it may say to wait ``retry_after`` seconds."""

    def __init__(self, message: str, *, status: int = 0, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class HubUnavailableError(HubError):
    """The Hub itself gave no answer."""


class HubNotFoundError(HubError):
    """The Hub knows no such user or server; its message tells which."""


@dataclass(frozen=True, slots=True)
class Server:
    """A named server as the Hub sees it."""

    ready: bool
    pending: str


class Hub:
    """A client of the Hub API. Every method raises `HubError` or one of its kinds."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str, wait: float) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"token {token}"}
        self._timeout = aiohttp.ClientTimeout(total=wait)

    async def start(self, owner: str, server: str) -> None:
        """Ask for a server. That it runs or starts already is just as good."""
        try:
            await self._request("POST", _server_path(owner, server), body={})
        except HubError as error:
            if error.status != _BAD_REQUEST:
                raise

    async def stop(self, owner: str, server: str, *, forget: bool) -> bool:
        """Ask to stop a server, and to forget it; return whether it has gone already."""
        body = {"remove": True} if forget else {}
        try:
            status, _ = await self._request("DELETE", _server_path(owner, server), body=body)
        except HubNotFoundError:
            return True
        except HubError as error:
            if error.status == _BAD_REQUEST:
                # "not running": there is nothing to stop.
                return True
            raise
        return status == _NO_CONTENT

    async def server(self, owner: str, server: str) -> Server | None:
        """Return what the Hub knows of a server, None when it knows none."""
        try:
            _, model = await self._request("GET", _server_path(owner, server))
        except HubNotFoundError:
            return None
        return Server(ready=bool(model.get("ready")), pending=str(model.get("pending") or ""))

    async def routes(self) -> set[tuple[str, str]]:
        """Return owner and server name of every route that the proxy has for a server."""
        found: set[tuple[str, str]] = set()
        offset = 0
        while True:
            _, page = await self._request("GET", f"/proxy?offset={offset}&limit={_PAGE}")
            for route in page.values():
                data = route.get("data") or {}
                if data.get("user") and "server_name" in data:
                    found.add((data["user"], data["server_name"]))
            offset += _PAGE
            if len(page) < _PAGE:
                return found

    async def sync_routes(self) -> None:
        """Make the Hub compare the proxy's routes with its servers, now."""
        await self._request("POST", "/proxy")

    async def _request(
        self, method: str, path: str, *, body: Mapping[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        try:
            async with self._session.request(
                method, self._url + path, headers=self._headers, json=body, timeout=self._timeout
            ) as response:
                if response.status >= _BAD_REQUEST:
                    raise await _error(response)
                if response.content_type == "application/json":
                    return response.status, await response.json()
                return response.status, {}
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise HubUnavailableError(f"JupyterHub: {type(error).__name__}") from error


def _server_path(owner: str, server: str) -> str:
    return f"/users/{quote(owner, safe='@~')}/servers/{quote(server, safe='')}"


async def _error(response: aiohttp.ClientResponse) -> HubError:
    """Return the typed error of an answer; its message is the Hub's own."""
    message, status, kind = "", response.status, HubError
    if response.content_type == "application/json":
        answer = await response.json()
        message = str(answer.get("message") or "") if isinstance(answer, dict) else ""
    if status == _NOT_FOUND:
        kind = HubNotFoundError
    elif status in _NOT_REACHED or (status == _UNAVAILABLE and not message):
        # A 503 with words is the Hub's own: one spawn that it refuses, and nothing about others.
        kind = HubUnavailableError
    header = response.headers.get("Retry-After", "")
    after = float(header) if header.isdecimal() else 0.0
    return kind(message or f"JupyterHub answered {status}", status=status, retry_after=after)
