"""Browser sessions. The database never sees a cookie's value."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import and_, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from practicum_portal.identity import Role
from practicum_portal.models import MembershipRow, PersonRow, SessionRow


@dataclass(frozen=True, slots=True)
class Known:
    """What the database says of someone who asks."""

    user: str
    roles: dict[str, Role] = field(default_factory=dict)
    """Role by the cohort's UID."""


def hashed(secret: str) -> str:
    """Return what is kept of a session's secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def add(
    session: AsyncSession, *, secret: str, user: str, now: datetime, expires: datetime
) -> None:
    """Remember a session, and forget those that are over."""
    await session.execute(delete(SessionRow).where(SessionRow.expires_at <= now))
    await session.execute(
        insert(SessionRow).values(
            hash=hashed(secret), user=user, created_at=now, expires_at=expires
        )
    )


async def find(session: AsyncSession, *, secret: str, now: datetime) -> Known | None:
    """Return whose session this is, with the person's roles: one statement a request."""
    rows = await session.execute(
        select(SessionRow.user, MembershipRow.cohort_uid, MembershipRow.role)
        .outerjoin(PersonRow, PersonRow.user == SessionRow.user)
        .outerjoin(MembershipRow, MembershipRow.person_id == PersonRow.id)
        .where(and_(SessionRow.hash == hashed(secret), SessionRow.expires_at > now))
    )
    return _known(rows.all())


async def roles(session: AsyncSession, *, user: str) -> Known:
    """Return the roles of someone who comes without a session."""
    rows = await session.execute(
        select(PersonRow.user, MembershipRow.cohort_uid, MembershipRow.role)
        .join(MembershipRow, MembershipRow.person_id == PersonRow.id)
        .where(PersonRow.user == user)
    )
    return _known(rows.all()) or Known(user)


async def remove(session: AsyncSession, *, secret: str) -> None:
    """Forget a session."""
    await session.execute(delete(SessionRow).where(SessionRow.hash == hashed(secret)))


def _known(rows: Sequence[tuple[str, str | None, str | None]]) -> Known | None:
    if not rows:
        return None
    return Known(rows[0][0], {uid: Role(role) for _, uid, role in rows if uid and role})
