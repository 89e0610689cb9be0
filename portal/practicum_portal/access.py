"""Access: from a cookie or a bearer token to who asks and what that may do."""

import hashlib
import hmac
import re
from urllib.parse import unquote

from practicum_portal.clock import Clock
from practicum_portal.cluster import Cluster
from practicum_portal.database import Database
from practicum_portal.directory import Directory
from practicum_portal.errors import ForbiddenError, SignInError
from practicum_portal.hub import HubUser, TokenOwner
from practicum_portal.identity import Person, Reporter, Role
from practicum_portal.store import sessions
from practicum_portal.store.sessions import Known

_REPORT = re.compile(r"custom:practicum:report!server=(?P<owner>.+)/(?P<server>[^/]+)")
_ACCESS = frozenset({"access:services", "access:services!service=portal"})


class Access:
    """Who asks. Rights are read anew for each request, from short-lived memory."""

    def __init__(
        self,
        *,
        cluster: Cluster,
        database: Database,
        directory: Directory,
        clock: Clock,
        admin_group: str,
        key: str,
    ) -> None:
        self._cluster = cluster
        self._database = database
        self._directory = directory
        self._clock = clock
        self._admin_group = admin_group
        self._key = key

    async def of_session(self, secret: str) -> Person:
        """Return who signed in with this session; raise SignInError when it is over."""
        async with self._database.read() as session:
            known = await sessions.find(session, secret=secret, now=self._clock())
        if known is None:
            raise SignInError("Your session is over.", hint="Sign in again.", code="session-over")
        return await self._person(known, csrf_token=self.csrf_token(secret))

    async def of_token(self, token: str) -> Person | Reporter:
        """Return the person or the sandbox that a Hub token stands for."""
        owner = await self._directory.token_owner(token)
        if owner is None or owner.kind != "user":
            raise SignInError(
                "JupyterHub does not know this token.",
                hint="Make a new one on JupyterHub's token page, or run `practicum login`.",
                code="bad-token",
            )
        reporter = _reporter(owner)
        if reporter is not None:
            return reporter
        if not owner.scopes & _ACCESS:
            raise ForbiddenError(
                "This token is not made for the portal.",
                hint="It needs the scope access:services!service=portal.",
                code="token-scope",
            )
        async with self._database.read() as session:
            known = await sessions.roles(session, user=owner.name)
        return await self._person(known, csrf_token="")

    def csrf_token(self, secret: str) -> str:
        """Return what forms of this session must send back."""
        return hmac.digest(self._key.encode(), b"csrf:" + secret.encode(), hashlib.sha256).hex()

    async def _person(self, known: Known, *, csrf_token: str) -> Person:
        user = await self._directory.user(known.user)
        if user is None:
            raise SignInError(
                "JupyterHub does not know you any more.",
                hint="Ask an administrator for an account.",
                code="unknown-user",
            )
        return Person(
            name=user.name,
            admin=user.admin or bool({self._admin_group} & user.groups - {""}),
            groups=user.groups,
            memberships=self._memberships(known, user),
            csrf_token=csrf_token,
        )

    def _memberships(self, known: Known, user: HubUser) -> dict[str, Role]:
        roles: dict[str, Role] = {}
        for key, room in self._cluster.cohorts.items.items():
            if user.groups & set(room.spec.instructor_groups):
                roles[key[1]] = Role.INSTRUCTOR
            elif room.metadata.uid in known.roles:
                roles[key[1]] = known.roles[room.metadata.uid]
        return roles


def _reporter(owner: TokenOwner) -> Reporter | None:
    """Return the sandbox of a token that may report for exactly one server of its owner."""
    for scope in owner.scopes:
        match = _REPORT.fullmatch(scope)
        if match is not None and unquote(match["owner"]) == owner.name:
            return Reporter(owner=owner.name, server=match["server"])
    return None
