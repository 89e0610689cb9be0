"""Requests over kept connections, against a server that misbehaves on command."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from practicum_operator.wire import Wire, WireError

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
)


class Server:
    """Answers each request on each connection with what a function returns; None closes it."""

    def __init__(self, answer: Callable[[int, int], bytes | None]) -> None:
        self.answer = answer
        self.connections = 0
        self.requests: list[bytes] = []

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection, count = self.connections, 0
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                count += 1
                answer = self.answer(connection, count)
                if answer is None:
                    break
                writer.write(answer)
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def talking_to(server: Server, *, wait: float = 30) -> AsyncIterator[Wire]:
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}/prefix/"
    async with listening, Wire(url, context=None, connections=2, wait=wait) as wire:
        yield wire


async def test_a_connection_is_kept_and_the_request_is_as_it_should_be() -> None:
    server = Server(lambda *_: PLAIN)
    async with talking_to(server) as wire:
        for _ in range(3):
            answer = await wire.request("PATCH", "/x?y=1", {"Accept": "text/plain"}, b"body")
            assert (answer.status, answer.body) == (200, b"ok")
            assert answer.headers["content-type"] == "text/plain"
    assert server.connections == 1
    assert server.requests[0].startswith(b"PATCH /prefix/x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert server.requests[0].endswith(b"Content-Length: 4\r\n\r\nbody")


@pytest.mark.parametrize(
    ("raw", "status", "body"),
    [
        (CHUNKED, 200, b"abcde"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, b""),
    ],
)
async def test_bodies_of_every_kind_are_read_to_their_end(raw, status, body) -> None:
    server = Server(lambda *_: raw)
    async with talking_to(server) as wire:
        for _ in range(2):
            answer = await wire.request("GET", "/", {})
            assert (answer.status, answer.body) == (status, body)
    assert server.connections == 1


async def test_a_connection_that_was_closed_meanwhile_is_replaced() -> None:
    server = Server(lambda connection, count: None if (connection, count) == (1, 2) else PLAIN)
    async with talking_to(server) as wire:
        for _ in range(2):
            assert (await wire.request("GET", "/", {})).body == b"ok"
    assert server.connections == 2


async def test_a_server_that_wants_to_close_is_obeyed() -> None:
    last = PLAIN.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")
    server = Server(lambda *_: last)
    async with talking_to(server) as wire:
        for _ in range(2):
            await wire.request("GET", "/", {})
    assert server.connections == 2


@pytest.mark.parametrize(
    "raw",
    [None, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", b"SSH-2.0-x\r\n\r\n", b"\r\n\r\n"],
)
async def test_no_answer_is_an_error_and_the_connection_is_given_up(raw) -> None:
    answers = iter([raw])

    def answer(_connection: int, _count: int) -> bytes | None:
        return next(answers, PLAIN)

    server = Server(answer)
    async with talking_to(server, wait=1) as wire:
        with pytest.raises(WireError):
            await wire.request("GET", "/", {})
        assert (await wire.request("GET", "/", {})).body == b"ok"


async def test_nobody_there_is_an_error() -> None:
    async with Wire("http://127.0.0.1:1", context=None, connections=1, wait=5) as wire:
        with pytest.raises(WireError, match="ConnectionRefusedError"):
            await wire.request("GET", "/", {})


async def test_no_more_connections_than_allowed() -> None:
    server = Server(lambda *_: PLAIN)
    async with talking_to(server) as wire:
        await asyncio.gather(*(wire.request("GET", "/", {}) for _ in range(20)))
    assert server.connections <= 2
