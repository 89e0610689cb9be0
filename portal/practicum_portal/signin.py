"""Sign-in through JupyterHub: OAuth code flow with PKCE, state in a sealed cookie."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

from cryptography.fernet import Fernet, InvalidToken

from practicum_portal.clock import Clock
from practicum_portal.database import Database
from practicum_portal.directory import Directory, HubUnreachableError
from practicum_portal.errors import BadRequestError, ForbiddenError
from practicum_portal.hub import Hub, HubAwayError, HubRefusedError
from practicum_portal.identity import LONGEST_USER
from practicum_portal.store import audit, sessions

LOGIN_SECONDS = 600
LOGIN_COOKIE = "practicum-login-"


@dataclass(frozen=True, slots=True)
class Departure:
    """Where the browser goes, and what it carries until it comes back."""

    url: str
    cookie: str
    sealed: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A browser that is signed in."""

    user: str
    secret: str
    """What its session cookie holds."""
    next: str
    """Where it wanted to go."""


class SignIn:
    """The flow: `depart` for JupyterHub, `arrive` with its code."""

    def __init__(
        self,
        *,
        hub: Hub,
        directory: Directory,
        database: Database,
        clock: Clock,
        client_id: str,
        public_url: str,
        hub_public_url: str,
        key: str,
        session_hours: float,
        secure: bool,
    ) -> None:
        self._hub = hub
        self._directory = directory
        self._database = database
        self._clock = clock
        self._client_id = client_id
        self._redirect_uri = f"{public_url}/oauth/callback"
        self._authorize = f"{hub_public_url}/hub/api/oauth2/authorize"
        self._fernet = Fernet(_fernet_key(key))
        self._secure = secure
        self._lifetime = timedelta(hours=session_hours)

    def depart(self, next_path: str) -> Departure:
        """Begin a sign-in that ends at ``next_path``; several may be under way in one browser."""
        state = secrets.token_urlsafe(24)
        verifier = secrets.token_urlsafe(64)
        challenge = hashlib.sha256(verifier.encode()).digest()
        carried = {"state": state, "verifier": verifier, "next": local_path(next_path)}
        query = {
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "response_type": "code",
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return Departure(
            url=f"{self._authorize}?{urlencode(query)}",
            cookie=login_cookie(state, secure=self._secure),
            sealed=self._fernet.encrypt(json.dumps(carried).encode()).decode(),
        )

    async def arrive(self, *, code: str, state: str, sealed: str | None) -> Arrival:
        """End a sign-in: check that this browser began it, and open a session."""
        carried = self._unseal(sealed)
        if not secrets.compare_digest(carried["state"].encode(), state.encode()):
            raise _stale()
        try:
            token = await self._hub.token_for_code(
                code, verifier=carried["verifier"], redirect_uri=self._redirect_uri
            )
            owner = await self._hub.token_owner(token)
        except HubRefusedError as error:
            raise _stale() from error
        except HubAwayError as error:
            raise HubUnreachableError(str(error)) from error
        if owner is None:
            raise _stale()
        if len(owner.name) > LONGEST_USER:
            raise ForbiddenError(
                "Your user name is too long.",
                hint=f"At most {LONGEST_USER} characters. Ask an administrator for a shorter one.",
                code="user-name-too-long",
            )
        # The token is not kept: what it could do is asked with the portal's own, each time anew.
        self._directory.forget_user(owner.name)
        secret = secrets.token_urlsafe(32)
        now = self._clock()
        async with self._database.write() as session:
            await sessions.add(
                session, secret=secret, user=owner.name, now=now, expires=now + self._lifetime
            )
            await audit.note(session, audit.Deed(owner.name, "session.open", owner.name), now=now)
        return Arrival(user=owner.name, secret=secret, next=carried["next"])

    async def leave(self, secret: str) -> None:
        """End a session."""
        async with self._database.write() as session:
            await sessions.remove(session, secret=secret)

    def _unseal(self, sealed: str | None) -> dict[str, str]:
        try:
            content = self._fernet.decrypt((sealed or "").encode(), ttl=LOGIN_SECONDS)
        except InvalidToken as error:
            raise _stale() from error
        carried: dict[str, str] = json.loads(content)
        return carried


def local_path(text: str) -> str:
    """Return ``text`` when it is a path on this site, else the start page: no open redirect."""
    parts = urlsplit(text)
    odd = "\\" in text or any(ord(letter) <= ord(" ") for letter in text)
    if parts.scheme or parts.netloc or not text.startswith("/") or text.startswith("//") or odd:
        return "/"
    return text


def login_cookie(state: str, *, secure: bool) -> str:
    """Return the name of the cookie that belongs to a state; `__Host-` as for the session's."""
    prefix = f"__Host-{LOGIN_COOKIE}" if secure else LOGIN_COOKIE
    return prefix + hashlib.sha256(state.encode()).hexdigest()[:12]


def _stale() -> BadRequestError:
    return BadRequestError(
        "This sign-in is no longer valid.",
        hint="Open the portal again and sign in once more. Cookies must be allowed for it.",
        code="sign-in-stale",
    )


def _fernet_key(key: str) -> bytes:
    return base64.urlsafe_b64encode(
        hashlib.sha256(b"practicum-portal-login:" + key.encode()).digest()
    )
