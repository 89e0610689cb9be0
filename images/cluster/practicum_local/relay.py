"""Carries connections from 127.0.0.1 of the machine into the node's network.

The sockets it listens on were opened outside the node and handed down; it connects from
inside. So no route, no interface and no firewall rule joins the two networks.
"""

import asyncio
import contextlib
import os
import socket
import struct
import sys
import time
from collections.abc import Callable, Mapping, Sequence

PATIENCE_SECONDS = 15.0
"""How long a connection waits for a backend that is away: a rollout, a restart."""
PAUSE_SECONDS = 0.2
ATTEMPT_SECONDS = 5.0
REMEMBER_SECONDS = 5.0
CHUNK = 1 << 16
BACKLOG = 1024
RESET = struct.pack("ii", 1, 0)
"""`struct linger` that makes the kernel reset a connection instead of finishing it."""


class Backend:
    """A host and port inside the node, by a name that the cluster's DNS knows."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        patience: float = PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.host = host
        self.port = port
        self._patience = patience
        self._clock = clock
        self._address = ""
        self._known_until = -1.0

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect, trying again while the backend is away; OSError when patience runs out."""
        deadline = self._clock() + self._patience
        while True:
            try:
                address = await self._resolve()
                opening = asyncio.open_connection(address, self.port)
                return await asyncio.wait_for(opening, ATTEMPT_SECONDS)
            except OSError:  # TimeoutError is one
                self._known_until = -1.0
                if self._clock() > deadline:
                    raise
                await asyncio.sleep(PAUSE_SECONDS)

    async def _resolve(self) -> str:
        if self._clock() > self._known_until:
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(self.host, self.port, family=socket.AF_INET)
            self._address = str(found[0][4][0])
            self._known_until = self._clock() + REMEMBER_SECONDS
        return self._address


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry one direction to its end, then say so to the other side and no more."""
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    with contextlib.suppress(OSError):  # the other side has gone for good
        writer.write_eof()


async def serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: Backend
) -> None:
    """Carry one connection both ways until both sides have finished or one is gone."""
    try:
        far_reader, far_writer = await backend.connect()
    except OSError as error:
        print(f"{backend.host}:{backend.port} is away: {error}", flush=True)  # noqa: T201 - the log
        break_off(writer)
        return
    tasks = [
        asyncio.create_task(pump(reader, far_writer)),
        asyncio.create_task(pump(far_reader, writer)),
    ]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    for task in pending:
        task.cancel()
    broken = [str(task.exception()) for task in done if task.exception()]
    if broken:
        print(f"{backend.host}:{backend.port}: {'; '.join(broken)}", flush=True)  # noqa: T201
    for end in (writer, far_writer):
        if broken:
            break_off(end)
        else:
            end.close()


def break_off(writer: asyncio.StreamWriter) -> None:
    """End a connection so that the other side sees it broken, not finished."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


async def start(listener: socket.socket, backend: Backend) -> asyncio.Server:
    """Serve every connection to `listener` from `backend`."""
    return await asyncio.start_server(
        lambda reader, writer: serve(reader, writer, backend),
        sock=listener,
        backlog=BACKLOG,
    )


async def main(backends: Mapping[str, Backend], listeners: Mapping[str, int]) -> None:
    """Relay each named listener to its backend, for ever."""
    servers = [
        await start(socket.socket(fileno=listeners[name]), backend)
        for name, backend in backends.items()
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


def parse(arguments: Sequence[str]) -> dict[str, Backend]:
    """`NAME=HOST:PORT` as a table."""
    table = {}
    for argument in arguments:
        name, _, target = argument.partition("=")
        host, _, port = target.rpartition(":")
        table[name] = Backend(host, int(port))
    return table


if __name__ == "__main__":
    given = (entry.partition("=") for entry in os.environ["LISTENERS"].split())
    asyncio.run(main(parse(sys.argv[1:]), {name: int(fd) for name, _, fd in given}))
