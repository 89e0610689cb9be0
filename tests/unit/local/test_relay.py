import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from practicum_local import relay
from practicum_local.relay import Backend

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers only when the other side has said that it is done."""
    writer.write(await reader.read())
    writer.close()


async def ask(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def port_of(server: asyncio.Server | socket.socket) -> int:
    holder = server.sockets[0] if isinstance(server, asyncio.Server) else server
    return int(holder.getsockname()[1])


@contextlib.asynccontextmanager
async def relayed(listener: socket.socket, behind: Handler) -> AsyncIterator[int]:
    """The port of a relay with a server behind it."""
    async with await asyncio.start_server(behind, "127.0.0.1", 0, backlog=300) as far:
        backend = Backend("127.0.0.1", port_of(far))
        async with await relay.start(listener, backend):
            yield port_of(listener)


async def test_one_side_may_end_and_still_be_answered(listener):
    data = b"x" * 1_000_000
    async with relayed(listener, echo) as port:
        assert await ask(port, data) == data


async def test_many_at_once(listener):
    numbers = [str(n).encode() for n in range(300)]
    async with relayed(listener, echo) as port:
        assert await asyncio.gather(*(ask(port, n) for n in numbers)) == numbers


async def test_a_connection_waits_for_a_backend_that_is_away(listener):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = port_of(taken)
    async with await relay.start(listener, Backend("127.0.0.1", port)):
        asked = asyncio.create_task(ask(port_of(listener), b"early"))
        await asyncio.sleep(0.3)
        assert not asked.done()
        async with await asyncio.start_server(echo, "127.0.0.1", port):
            assert await asked == b"early"


async def test_patience_ends(listener, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = port_of(taken)
    async with await relay.start(listener, Backend("127.0.0.1", port, patience=0.0)):
        with pytest.raises(ConnectionError):
            await ask(port_of(listener), b"never")
    assert "is away" in capsys.readouterr().out


async def test_what_the_backend_breaks_off_is_broken_off(listener):
    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        relay.break_off(writer)

    async def use(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while True:
                writer.write(b"x")
                await writer.drain()
                if await reader.read(1) == b"":
                    raise ConnectionResetError
        finally:
            writer.transport.abort()

    async with relayed(listener, reset) as port:
        with pytest.raises(ConnectionError):
            await use(port)


async def test_an_address_is_remembered_and_asked_for_again():
    now = 0.0
    backend = Backend("localhost", 1, clock=lambda: now)
    asked = []
    loop = asyncio.get_running_loop()
    real = loop.getaddrinfo

    async def counted(*args, **kwargs):
        asked.append(args)
        return await real(*args, **kwargs)

    loop.getaddrinfo = counted
    assert await backend._resolve() == "127.0.0.1"
    await backend._resolve()
    assert len(asked) == 1
    now = relay.REMEMBER_SECONDS + 1
    await backend._resolve()
    assert len(asked) == 2


def test_arguments():
    backends = relay.parse(["hub=proxy.ns.svc:8000", "api=10.0.0.1:6443"])
    assert {n: (b.host, b.port) for n, b in backends.items()} == {
        "hub": ("proxy.ns.svc", 8000),
        "api": ("10.0.0.1", 6443),
    }
