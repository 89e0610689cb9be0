"""Short requests to one HTTP/1.1 server over connections that are kept.

Half of what a start costs the operator were requests through a general client. This one does only
what the API server needs, at less than half the processor time (docs/decisions/watching.md).
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_HEAD_LIMIT = 2**20
_NO_BODY = frozenset({204, 304})


class WireError(Exception):
    """No answer, or none that could be read."""


class _StaleError(WireError):
    """The server has closed a kept connection before it read the request."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response; names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Wire:
    """A pool of connections to one server.

    Requests that meet a connection closed by the server meanwhile are sent once more on a new one,
    so they must be such as may be repeated.
    """

    def __init__(
        self,
        server: str,
        *,
        context: ssl.SSLContext | None,
        server_name: str | None = None,
        connections: int,
        wait: float,
    ) -> None:
        url = urlsplit(server)
        self._host = url.hostname or ""
        self._port = url.port or (443 if url.scheme == "https" else 80)
        self._prefix = url.path.rstrip("/")
        self._context = context if url.scheme == "https" else None
        self._server_name = server_name if self._context else None
        self._authority = url.netloc
        self._gate = asyncio.Semaphore(connections)
        self._idle: list[Connection] = []
        self._wait = wait

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for connection in self._idle:
            _close(connection)
        self._idle.clear()

    async def request(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        """Send a request and return the answer; raise WireError when there is none in time."""
        lines = [f"{method} {self._prefix}{target} HTTP/1.1", f"Host: {self._authority}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}", "", ""]
        message = "\r\n".join(lines).encode("latin-1") + body
        async with self._gate:
            try:
                async with asyncio.timeout(self._wait):
                    return await self._exchange(message)
            except (OSError, EOFError, ValueError) as error:
                raise WireError(type(error).__name__) from error

    async def _exchange(self, message: bytes) -> Answer:
        while self._idle:
            connection = self._idle.pop()
            if connection[0].at_eof():
                _close(connection)
                continue
            try:
                return await self._converse(connection, message, kept=True)
            except _StaleError:
                continue
        connection = await asyncio.open_connection(
            self._host,
            self._port,
            ssl=self._context,
            server_hostname=self._server_name,
            limit=_HEAD_LIMIT,
        )
        return await self._converse(connection, message, kept=False)

    async def _converse(self, connection: Connection, message: bytes, *, kept: bool) -> Answer:
        """Write a request, read its answer, and keep the connection if both went well."""
        reader, writer = connection
        reusable = False
        try:
            try:
                writer.write(message)
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                partial = getattr(error, "partial", b"")
                if kept and not partial:
                    raise _StaleError("closed meanwhile") from error
                raise
            status, headers = _parse_head(head)
            body = await _read_body(reader, status, headers)
            reusable = headers.get("connection", "").lower() != "close"
            return Answer(status, headers, body)
        finally:
            if reusable:
                self._idle.append(connection)
            else:
                _close(connection)


def _parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Return the status and the headers; raise ValueError for what is not HTTP."""
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    version, status, *_ = first.split(" ", 2)
    if not version.startswith("HTTP/1."):
        raise ValueError("not an answer of HTTP/1.1")
    pairs = (line.partition(":") for line in lines)
    return int(status), {name.lower(): value.strip() for name, _, value in pairs}


async def _read_body(
    reader: asyncio.StreamReader, status: int, headers: Mapping[str, str]
) -> bytes:
    if status in _NO_BODY:
        return b""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _read_chunks(reader)
    return await reader.readexactly(int(headers["content-length"]))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    chunks = []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        chunks.append(await reader.readexactly(size))
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass
    return b"".join(chunks)


def _close(connection: Connection) -> None:
    connection[1].close()
