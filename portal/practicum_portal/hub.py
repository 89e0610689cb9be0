"""The seam to JupyterHub's API: who someone is, sign-in codes, accounts for a roster."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

import httpx
from typing_extensions import override

_CHUNK = 100
_UNKNOWN = frozenset({401, 403})


class HubAwayError(Exception):
    """JupyterHub did not answer, or not as it should."""


class HubRefusedError(Exception):
    """JupyterHub understood and said no; the text says why."""


@dataclass(frozen=True, slots=True)
class HubUser:
    """What JupyterHub says of a user."""

    name: str
    admin: bool = False
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TokenOwner:
    """Whose token it is and what it may do."""

    name: str
    scopes: frozenset[str]
    kind: str = "user"


class Hub(Protocol):
    """What the portal asks of JupyterHub."""

    async def token_for_code(self, code: str, *, verifier: str, redirect_uri: str) -> str:
        """Return the access token for a sign-in code; HubRefusedError when the code is no good."""
        ...

    async def token_owner(self, token: str) -> TokenOwner | None:
        """Return whose token this is; None for one that JupyterHub does not know."""
        ...

    async def user(self, name: str) -> HubUser | None:
        """Return what JupyterHub says of a user; None for one that it does not know."""
        ...

    async def create_users(self, names: Sequence[str]) -> tuple[str, ...]:
        """Create those that do not exist and return their names."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


class HubApi(Hub):
    """`Hub` over HTTP, straight to the Hub's service, past the proxy."""

    def __init__(self, client: httpx.AsyncClient, *, client_id: str, token: str) -> None:
        self._client = client
        self._client_id = client_id
        self._token = token

    @override
    async def close(self) -> None:
        await self._client.aclose()

    @override
    async def token_for_code(self, code: str, *, verifier: str, redirect_uri: str) -> str:
        response = await self._send(
            "POST",
            "/oauth2/token",
            data={
                "client_id": self._client_id,
                "client_secret": self._token,
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": redirect_uri,
                "code_verifier": verifier,
            },
        )
        if response.is_client_error:
            raise HubRefusedError(f"JupyterHub refused the sign-in code ({response.status_code})")
        return str(_body(response)["access_token"])

    @override
    async def token_owner(self, token: str) -> TokenOwner | None:
        response = await self._send("GET", "/user", token=token)
        if response.status_code in _UNKNOWN:
            return None
        model = _body(response)
        return TokenOwner(
            name=model["name"],
            scopes=frozenset(model.get("scopes", ())),
            kind=model.get("kind", "user"),
        )

    @override
    async def user(self, name: str) -> HubUser | None:
        response = await self._send("GET", f"/users/{quote(name, safe='')}", token=self._token)
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        model = _body(response)
        return HubUser(
            name=model["name"],
            admin=bool(model.get("admin")),
            groups=frozenset(model.get("groups", ())),
        )

    @override
    async def create_users(self, names: Sequence[str]) -> tuple[str, ...]:
        created: list[str] = []
        for start in range(0, len(names), _CHUNK):
            chunk = list(names[start : start + _CHUNK])
            response = await self._send(
                "POST", "/users", token=self._token, json={"usernames": chunk}
            )
            if response.status_code == httpx.codes.CONFLICT:
                continue  # all of them exist
            if response.status_code == httpx.codes.BAD_REQUEST:
                raise HubRefusedError(_message(response))
            created += [model["name"] for model in _body(response)]
        return tuple(created)

    async def _send(
        self, method: str, path: str, *, token: str | None = None, **how: Any
    ) -> httpx.Response:
        headers = {"Authorization": f"token {token}"} if token else {}
        try:
            response = await self._client.request(method, path, headers=headers, **how)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise HubAwayError(type(error).__name__) from error
        if response.is_server_error or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise HubAwayError(f"status {response.status_code}")
        return response


def _body(response: httpx.Response) -> Any:
    if response.is_error:
        raise HubAwayError(f"status {response.status_code}")
    try:
        return response.json()
    except ValueError as error:
        raise HubAwayError("an answer that is not JSON") from error


def _message(response: httpx.Response) -> str:
    try:
        return str(response.json().get("message") or "JupyterHub refused a user name")
    except (ValueError, AttributeError):
        return "JupyterHub refused a user name"
