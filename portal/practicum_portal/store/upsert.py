"""INSERT that says what to do when the row is there."""

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from practicum_portal.models import Base


def upsert(session: AsyncSession, table: type[Base]) -> Any:
    """Return the database's own INSERT, which knows `ON CONFLICT`; both spell it alike."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    return dialect.insert(table)
