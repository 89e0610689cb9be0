"""Server-sent events: heartbeats, an end at shutdown, and rights that are looked at again."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

from starlette.responses import StreamingResponse

from practicum_portal.errors import ProblemError, TooManyRequestsError

_RETRY = b"retry: 3000\n\n"
_BEAT = b": beat\n\n"
_STREAMS_MOST = 30
_LINE_END = re.compile(r"\r\n|\r|\n")
"""The ends of lines that the format knows; texts may hold others, such as U+2028."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: JSON or HTML in ``data``."""

    data: str
    name: str = ""
    id: str = ""

    def encode(self) -> bytes:
        """Return the event as it goes over the wire."""
        lines = []
        if self.id:
            lines.append(f"id: {self.id}")
        if self.name:
            lines.append(f"event: {self.name}")
        lines += [f"data: {line}" for line in _LINE_END.split(self.data)]
        return ("\n".join(lines) + "\n\n").encode()


class Streams:
    """All streams of the process."""

    def __init__(self, *, heartbeat_seconds: float) -> None:
        self._heartbeat = heartbeat_seconds
        self._stopping = asyncio.Event()
        self._open: Counter[str] = Counter()

    def stop(self) -> None:
        """End all streams; browsers come back by themselves, to another replica if there is one."""
        self._stopping.set()

    def response(
        self,
        events: AsyncIterator[Event],
        *,
        who: str,
        still: Callable[[], Awaitable[bool]],
    ) -> StreamingResponse:
        """Return a response that streams ``events`` to ``who`` for as long as ``still`` holds."""
        if self._open[who] >= _STREAMS_MOST:
            raise TooManyRequestsError(
                "Too many pages with live figures are open.",
                hint="Close some of them.",
                retry_after=10,
            )
        return StreamingResponse(
            self._counted(who, self._run(events, still)),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    async def _counted(
        self, who: str, chunks: AsyncGenerator[bytes, None]
    ) -> AsyncGenerator[bytes, None]:
        self._open[who] += 1
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    yield chunk
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]

    async def _run(
        self, events: AsyncIterator[Event], still: Callable[[], Awaitable[bool]]
    ) -> AsyncGenerator[bytes, None]:
        yield _RETRY
        clock = asyncio.get_running_loop().time
        checked = clock()
        stopping = asyncio.ensure_future(self._stopping.wait())
        following = asyncio.ensure_future(anext(events, None))
        try:
            while True:
                await asyncio.wait(
                    {stopping, following},
                    timeout=self._heartbeat,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if stopping.done():
                    return
                if clock() - checked >= self._heartbeat:
                    checked = clock()
                    if not await _holds(still):
                        return
                if not following.done():
                    yield _BEAT
                    continue
                event = _result(following)
                if event is None:
                    return
                yield event.encode()
                following = asyncio.ensure_future(anext(events, None))
        finally:
            await _end(stopping)
            await _end(following)
            if isinstance(events, AsyncGenerator):
                await events.aclose()


def _result(following: "asyncio.Future[Event | None]") -> Event | None:
    """Return the event; None when what is watched is gone or away: the browser comes back."""
    try:
        return following.result()
    except ProblemError:
        return None


async def _holds(still: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await still()
    except ProblemError:
        return False


async def _end(task: "asyncio.Future[Any]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, ProblemError):
        await task
