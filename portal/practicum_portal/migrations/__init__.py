"""Bringing the database up to date."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from practicum_portal.database import Database

_LOCK = 0x70726163
"""Key of the advisory lock that lets one replica at a time migrate."""


def config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration, for a connection that is in a transaction."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


async def migrate(database: Database) -> None:
    """Bring the database up to date in one transaction; others that try wait for it."""
    async with database.write() as session:
        connection = await session.connection()
        if not database.sqlite:  # there, being the writer is the lock
            await connection.execute(text("SET LOCAL statement_timeout = 0"))
            await connection.execute(text("SET LOCAL lock_timeout = 0"))
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection, *_: Any) -> None:
    command.upgrade(config(connection), "head")
