"""Brings JupyterHub to what plans wish for, beside the reconcilers: a slow Hub holds up nobody."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from practicum_operator.cache import Key
from practicum_operator.hub import Hub, HubError, HubNotFoundError, HubUnavailableError
from practicum_operator.plan import HubState, HubView, HubWish
from practicum_operator.workqueue import WorkQueue

_LOG = logging.getLogger(__name__)
_POLL = 0.2
_SLOW_RETRY = 10.0
_FULFILLED = {
    HubWish.SERVE: HubState.SERVING,
    HubWish.STOP: HubState.ABSENT,
    HubWish.FORGET: HubState.FORGOTTEN,
}


@dataclass(frozen=True, slots=True)
class Registration:
    """What is wished of one sandbox's server, for which attempt."""

    wish: HubWish
    attempt: int
    owner: str
    server: str


class Registrar:
    """Keeps, for each sandbox, what is wished of the Hub and what it last answered.

    Nothing here has to survive the process: what is owed to the Hub stands in the sandbox's
    status, and a plan wishes for it again.
    """

    def __init__(self, hub: Hub, notify: Callable[[Key], None]) -> None:
        self._hub = hub
        self._notify = notify
        self._wishes: dict[Key, Registration] = {}
        self._views: dict[Key, HubView] = {}
        self._asked: set[Registration] = set()
        self._queue: WorkQueue[Key] = WorkQueue()
        self.away = False
        """Whether the Hub did not answer when it was last asked for anything."""

    def view(self, key: Key) -> HubView:
        """Return the Hub's last answer about a sandbox."""
        return self._views.get(key, HubView())

    def wish(self, key: Key, wish: Registration) -> None:
        """Wish for something; a wish that stands or is fulfilled already changes nothing."""
        if self._wishes.get(key) == wish:
            return
        before = self._wishes.get(key)
        if before is not None:
            self._asked.discard(before)
        self._wishes[key] = wish
        self._queue.add(key)

    def lose(self, key: Key, attempt: int) -> None:
        """Note that the Hub or the proxy has lost a running sandbox."""
        self._settle(key, HubView(HubState.LOST, attempt))

    def forget(self, key: Key) -> None:
        """Drop what is known of a sandbox that is gone."""
        wish = self._wishes.pop(key, None)
        if wish is not None:
            self._asked.discard(wish)
        self._views.pop(key, None)
        self._queue.forget(key)

    async def work(self) -> None:
        """Fulfil wishes until the registrar is closed."""
        while (key := await self._queue.get()) is not None:
            try:
                await self._fulfil(key)
            finally:
                self._queue.done(key)

    def close(self) -> None:
        """Take up no further wish."""
        self._queue.close()

    async def _fulfil(self, key: Key) -> None:
        wish = self._wishes.get(key)
        if wish is None:
            return
        try:
            if wish.wish is HubWish.SERVE:
                done = await self._serve(wish)
            else:
                done = await self._stop(wish)
        except HubError as error:
            self._failed(key, wish, error)
        else:
            self.away = False
            self._queue.forget(key)
            if not done:
                self._queue.add_after(key, _POLL)
            elif self._wishes.get(key) == wish:
                del self._wishes[key]
                self._asked.discard(wish)
                self._settle(key, HubView(_FULFILLED[wish.wish], wish.attempt))

    async def _serve(self, wish: Registration) -> bool:
        """Start the server once, then look until it is ready.

        The Hub may answer 201 while the spawn is still pending, so only `ready` counts.
        """
        if wish not in self._asked:
            await self._hub.start(wish.owner, wish.server)
            self._asked.add(wish)
        server = await self._hub.server(wish.owner, wish.server)
        if server is not None and server.ready:
            return True
        if server is None or not server.pending:
            self._asked.discard(wish)
        return False

    async def _stop(self, wish: Registration) -> bool:
        """Stop the server once, then look until it is gone."""
        forget = wish.wish is HubWish.FORGET
        if wish not in self._asked:
            if await self._hub.stop(wish.owner, wish.server, forget=forget):
                return True
            self._asked.add(wish)
        server = await self._hub.server(wish.owner, wish.server)
        if server is None:
            return True
        if server.ready or server.pending:
            return False
        self._asked.discard(wish)
        return not forget

    def _failed(self, key: Key, wish: Registration, error: HubError) -> None:
        """Note why a wish was not fulfilled, and try again later."""
        self._asked.discard(wish)
        match error:
            case HubUnavailableError():
                state, at_least = HubState.AWAY, 0.0
            case HubNotFoundError():
                state, at_least = HubState.OWNER_UNKNOWN, _SLOW_RETRY
            case _:
                state, at_least = HubState.REFUSED, _SLOW_RETRY / 2
        self.away = state is HubState.AWAY
        wait = self._queue.retry(key, at_least=max(at_least, error.retry_after))
        _LOG.info("Hub: %s of %s: %s; again in %.1f s", wish.wish.name, key.name, error, wait)
        if self._wishes.get(key) == wish:
            self._settle(key, HubView(state, wish.attempt, str(error)))

    def _settle(self, key: Key, view: HubView) -> None:
        if self._views.get(key) != view:
            self._views[key] = view
            self._notify(key)
