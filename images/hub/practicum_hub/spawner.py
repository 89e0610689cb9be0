"""`SandboxSpawner`: connects the Hub to a Sandbox that the operator runs.

It starts nothing. A start is waiting for the Sandbox's address and taking over the token that the
operator made. Only the portal resumes, since it alone knows who is on the roster; a stop that a
person asks for suspends.
"""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

from jupyterhub.orm import APIToken
from jupyterhub.spawner import Spawner, SpawnException
from traitlets import Callable, Integer, Unicode

from practicum_api.names import attempt_name, server_prefix
from practicum_api.sandbox import DesiredState, Sandbox
from practicum_hub import outlook, texts
from practicum_hub.outlook import GONE, Attempt, Refusal
from practicum_hub.sandboxes import ConflictError, Sandboxes, UnavailableError
from practicum_hub.shared import shared_sandboxes

TICK = 0.5
"""Seconds between looks at the clock while a start waits for news."""
SYNC_SECONDS = 10.0
"""How long to wait for the first listing after the Hub came up."""
STOP_SECONDS = 60.0
"""How long a stop waits for the operator to take the address back."""


class StartRefused(SpawnException):  # type: ignore[misc]
    """A start that ends with a reason for the person and a link to the portal."""

    def __init__(self, refusal: Refusal, portal_url: str) -> None:
        link = f'<a href="{portal_url}">{texts.PORTAL.html()}</a>'
        super().__init__(
            f"{refusal.text.en} {portal_url}",
            reason=refusal.reason,
            message_html=f"{refusal.text.html()} {link}",
            status_code=int(refusal.status),
        )
        # The spawn page reads these, not what SpawnException itself has (JupyterHub 6.1).
        self.jupyterhub_message = self.message
        self.jupyterhub_html_message = self.message_html
        self.headers = {"Retry-After": str(refusal.retry_after)} if refusal.retry_after else {}


class SandboxSpawner(Spawner):  # type: ignore[misc]
    """Finds the Sandbox of owner and server; `user_options` and the default server do nothing."""

    portal_url = Unicode(help="Where people start labs.").tag(config=True)
    open_sandboxes = Callable(
        shared_sandboxes,
        help="Returns the process's one `Sandboxes`; called within the event loop.",
    ).tag(config=True)
    port = Integer(8888, help="Port of every sandbox's notebook server.").tag(config=True)

    _connected: Attempt | None = None

    @property
    def sandboxes(self) -> Sandboxes:
        """The process's view of all Sandboxes."""
        found: Sandboxes = self.open_sandboxes()
        found.ensure_watching()
        return found

    def find(self) -> Sandbox | None:
        """Return this server's Sandbox as far as is known now."""
        return self.sandboxes.find(self.user.name, self.name)

    async def start(self) -> str:
        """Return the address of this server's Sandbox once it answers.

        Raises StartRefused when it is not there, is suspended, or has to wait for something that
        takes its time: the operator comes back by itself.
        """
        if not self.name:
            raise self._refused(
                Refusal("default-server", HTTPStatus.BAD_REQUEST, texts.DEFAULT_SERVER)
            )
        sandbox = await self._connectable()
        self.api_token = await self._token_of(sandbox)
        self._connected = outlook.attempt(sandbox)
        return outlook.address(sandbox, self.port)

    async def poll(self) -> int | None:
        """Return None while the server may be reached or nothing is known, else an exit code."""
        sandbox = await self.sandboxes.wait(self.user.name, self.name, lambda _: True, SYNC_SECONDS)
        if not self.sandboxes.synced:
            return None
        code = outlook.poll_code(sandbox, self._connected)
        if code is None and sandbox is not None and not self.api_token:
            code = await self._recover_token(sandbox)
        if code is not None:
            self._revoke_tokens()
        return code

    async def get_url(self) -> str:
        """Return where the server is after a restart of the Hub; waits for news, never raises."""
        sandbox = await self.sandboxes.wait(
            self.user.name, self.name, lambda _: True, self.http_timeout
        )
        if sandbox is None or not outlook.is_reachable(sandbox):
            return str(self.server.url)
        return f"{outlook.address(sandbox, self.port)}{self.server.base_url}"

    async def stop(self, now: bool = False) -> None:  # noqa: ARG002
        """Suspend the Sandbox when a person asked for it; after a failure leave it alone.

        JupyterHub also calls this when a spawn or a check after its restart failed. Only a stop
        that came through its API has a `_stop_future`.
        """
        if self._stop_future is None:
            self.log.warning("%s: nobody asked to stop it; the sandbox is left as it is", self.name)
            return
        await self._suspend()
        await self.sandboxes.wait(
            self.user.name,
            self.name,
            lambda sandbox: not outlook.is_reachable(sandbox),
            STOP_SECONDS,
        )

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the stage of the start, each time it changes. Must not raise."""
        last: dict[str, Any] = {}
        while True:
            event = outlook.progress(self.find())
            if event != last:
                yield event
                last = event
            await self.sandboxes.changed(TICK * 10)

    def get_state(self) -> dict[str, Any]:
        """Return what to remember over a restart of the Hub; can be derived when it is lost."""
        state: dict[str, Any] = super().get_state()
        if self._connected is not None:
            connected = self._connected
            state |= {"uid": connected.uid, "attempt": connected.number, "host": connected.host}
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        """Take over the state of an earlier process."""
        super().load_state(state)
        known = {"uid", "attempt", "host"} <= state.keys()
        self._connected = Attempt(state["uid"], state["attempt"], state["host"]) if known else None

    def clear_state(self) -> None:
        """Forget which attempt was connected."""
        super().clear_state()
        self._connected = None

    async def _connectable(self) -> Sandbox:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            waited = loop.time() - began
            sandbox = self.find()
            if sandbox is not None and outlook.may_connect(sandbox):
                # The watch may lag behind a restart; the last attempt's token must not be taken.
                current = await self._read_again(sandbox)
                if current is not None and outlook.may_connect(current):
                    return current
            elif not self.sandboxes.following:
                if waited >= SYNC_SECONDS:
                    raise self._unreachable()
            elif (refusal := outlook.refusal(sandbox, waited=waited)) is not None:
                raise self._refused(refusal)
            await self.sandboxes.changed(TICK)

    async def _token_of(self, sandbox: Sandbox) -> str:
        try:
            token = await self._read_token(sandbox)
        except UnavailableError as error:
            raise self._unreachable() from error
        if token is None:
            raise self._refused(
                Refusal("no-token", HTTPStatus.SERVICE_UNAVAILABLE, texts.NO_TOKEN, retry_after=5)
            )
        return token

    async def _read_token(self, sandbox: Sandbox) -> str | None:
        secret = attempt_name(sandbox.metadata.name, sandbox.status.attempt)
        return await self.sandboxes.api.token(sandbox.metadata.namespace, secret)

    async def _recover_token(self, sandbox: Sandbox) -> int | None:
        """Know the token again after a restart, so that a stop revokes it.

        A token that the Hub's database lacks (killed before it was written down, or restored from a
        backup) can't be used, so such a server counts as gone: the operator registers it again.
        """
        try:
            token = await self._read_token(sandbox)
        except UnavailableError:
            return None
        known = APIToken.find(self.user.db, token) if token else None
        if token is None or known is None or known.user is not self.user.orm_user:
            self.log.warning("%s: its token is not known; it has to be registered again", self.name)
            return GONE
        self.api_token = token
        return None

    def _revoke_tokens(self) -> None:
        """Delete what is left in the Hub's database of this server's tokens.

        A Hub that was restarted no longer knows them (JupyterHub 6.1 then leaves them valid for
        ever), so they are found by the notes that JupyterHub gives them.
        """
        prefix = server_prefix(self.user.name, self.name)
        notes = (f"retrieved from spawner {self.name}", f"Server at {prefix}")
        tokens = self.user.db.query(APIToken).filter(
            APIToken.user_id == self.user.orm_user.id, APIToken.note.in_(notes)
        )
        for token in tokens:
            self.user.db.delete(token)
        self.user.db.commit()

    async def _suspend(self) -> None:
        sandbox = self.find()
        while (
            sandbox is not None
            and outlook.is_reachable(sandbox)
            and not outlook.is_leaving(sandbox)
            and sandbox.spec.desired_state is DesiredState.RUNNING
        ):
            sandbox = await self._write(sandbox, DesiredState.SUSPENDED)

    async def _write(self, sandbox: Sandbox, state: DesiredState) -> Sandbox | None:
        """Write the wish, or read again when the Sandbox changed; return it as it is then."""
        try:
            written = await self.sandboxes.api.set_desired_state(sandbox, state)
        except ConflictError:
            written = None
        except UnavailableError as error:
            raise self._unreachable() from error
        if written is None:
            return await self._read_again(sandbox)
        self.sandboxes.remember(written)
        return written

    async def _read_again(self, sandbox: Sandbox) -> Sandbox | None:
        try:
            return await self.sandboxes.refresh(sandbox)
        except UnavailableError as error:
            raise self._unreachable() from error

    def _unreachable(self) -> StartRefused:
        return self._refused(
            Refusal(
                "unreachable", HTTPStatus.SERVICE_UNAVAILABLE, texts.UNREACHABLE, retry_after=15
            )
        )

    def _refused(self, refusal: Refusal) -> StartRefused:
        return StartRefused(refusal, self.portal_url)
