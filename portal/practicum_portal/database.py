"""The seam to the database: one engine, short transactions, and 503 when it is away."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.util import await_only

from practicum_portal.errors import InvalidError, UnavailableError

_WRITES = "practicum_writes"
_TRY_AGAIN = frozenset({"40001", "40P01", "53300", "55P03", "57014", "57P01", "57P02", "57P03"})
"""PostgreSQL's codes for serialization, deadlock, too many connections, timeouts, shutdown."""
_NO_TEXT = "22021"
"""PostgreSQL's code for a text that it can't hold, such as one with a NUL."""
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
_TLS = ("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl")
"""Words of libpq's URLs, which asyncpg knows in a URL of its own only, not as arguments."""


class DatabaseAwayError(UnavailableError):
    """The database is locked or does not answer. Nothing was written."""

    code = "database-away"

    def __init__(self, cause: str) -> None:
        super().__init__(
            "The portal's database does not answer at the moment.",
            hint="Nothing was lost. Try again in a few seconds.",
            retry_after=5,
            params={"cause": cause},
        )


class Database:
    """Transactions on SQLite or PostgreSQL that either commit or change nothing."""

    def __init__(self, url: str, *, wait_seconds: float = 10) -> None:
        self._url = _async_url(url)
        self._wait = wait_seconds
        self.engine: AsyncEngine = create_async_engine(
            self._url.difference_update_query(_TLS), **_options(self._url, self._wait)
        )
        self._writer: asyncio.Lock | None = None
        if self.sqlite:
            # SQLite has one writer and its busy handler is not fair: writers queue here instead.
            self._writer = asyncio.Lock()
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite(self._wait))
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)

    @property
    def sqlite(self) -> bool:
        """Whether this is SQLite, which only one process at a time should use."""
        return self._url.get_backend_name() == "sqlite"

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Open a transaction that only reads: one consistent view."""
        with _translated():
            async with AsyncSession(self.engine, expire_on_commit=False) as session:
                yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """Open a transaction that commits at the end, or rolls back on any error."""
        with _translated():
            async with (
                self._turn(),
                AsyncSession(self.engine, expire_on_commit=False) as session,
                session.begin(),
            ):
                await session.connection(execution_options={_WRITES: True})
                yield session

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._writer is None:
            yield
            return
        try:
            async with asyncio.timeout(self._wait):
                await self._writer.acquire()
        except TimeoutError as error:
            raise DatabaseAwayError("writers are queueing") from error
        try:
            yield
        finally:
            self._writer.release()


class _translated:  # noqa: N801 - reads as a verb where it is used
    """Turn what drivers raise when the database is away into `DatabaseAwayError`."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, PoolTimeoutError | OperationalError | InterfaceError | OSError):
            raise DatabaseAwayError(_told(error)) from error
        if not isinstance(error, DBAPIError):
            return
        state = getattr(error.orig, "sqlstate", "")
        if error.connection_invalidated or state in _TRY_AGAIN:
            raise DatabaseAwayError(_told(error)) from error
        if state == _NO_TEXT:
            raise InvalidError(
                "A text holds a character that can't be kept.", hint="Leave it out."
            ) from error


def _told(error: BaseException) -> str:
    """Return what a driver said, without statement and values: an old schema looks away as well."""
    said = getattr(error, "orig", None) or error
    return f"{type(said).__name__}: {said}"


def _async_url(text: str) -> URL:
    url = make_url(text.replace("postgres://", "postgresql://", 1))
    return url.set(drivername=_DRIVERS[url.get_backend_name()])


def _options(url: URL, wait: float) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": wait}}
    milliseconds = str(int(wait * 1000))
    tls = {word: value for word, value in url.query.items() if word in _TLS}
    return {
        "pool_pre_ping": True,
        "pool_timeout": wait,
        "pool_size": 10,
        "max_overflow": 10,
        "connect_args": {
            "dsn": f"postgresql://?{urlencode(tls, doseq=True)}",
            "timeout": wait,
            "command_timeout": wait * 2,
            "server_settings": {
                "application_name": "practicum-portal",
                "lock_timeout": milliseconds,
                "statement_timeout": milliseconds,
                "idle_in_transaction_session_timeout": "60000",
            },
        },
    }


def _prepare_sqlite(wait: float) -> Callable[[Any, Any], None]:
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we emit BEGIN ourselves
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={int(wait * 1000)}")
        cursor.execute("PRAGMA foreign_keys=ON")
        _use_write_ahead_log(cursor, wait)
        cursor.close()

    return prepare


def _use_write_ahead_log(cursor: Any, wait: float) -> None:
    # The first to open a new file changes its mode. SQLite refuses others at once meanwhile,
    # without its busy handler: https://sqlite.org/c3ref/busy_handler.html
    deadline = time.monotonic() + wait
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            await_only(asyncio.sleep(0.02))
        else:
            return


def _begin_sqlite(connection: Any) -> None:
    # A transaction that starts as a reader and then writes can fail at once when another writer
    # was quicker; one that says so first waits its turn.
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
