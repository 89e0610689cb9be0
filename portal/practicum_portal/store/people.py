"""Rosters: who is in a cohort, and as what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, and_, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from practicum_portal.models import CohortRow, MembershipRow, PersonRow
from practicum_portal.store.upsert import upsert

Member = Row[str, str, str, str, datetime]
"""user, name, email, role, added_at"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A person as a roster has them. An empty name or address leaves what is known."""

    user: str
    role: str
    name: str = ""
    email: str = ""


async def members(session: AsyncSession, uid: str) -> Sequence[Member]:
    """Return the people of a cohort by user name."""
    rows = await session.execute(
        select(
            PersonRow.user,
            MembershipRow.name,
            MembershipRow.email,
            MembershipRow.role,
            MembershipRow.added_at,
        )
        .join(MembershipRow, MembershipRow.person_id == PersonRow.id)
        .where(MembershipRow.cohort_uid == uid)
        .order_by(PersonRow.user)
    )
    return rows.all()


async def counts(session: AsyncSession, uids: Iterable[str]) -> dict[str, int]:
    """Return how many people each cohort has."""
    rows = await session.execute(
        select(MembershipRow.cohort_uid, func.count())
        .where(MembershipRow.cohort_uid.in_(list(uids)))
        .group_by(MembershipRow.cohort_uid)
    )
    return dict(rows.all())


async def role(session: AsyncSession, uid: str, user: str) -> str | None:
    """Return what someone is in a cohort, by its roster."""
    found: str | None = await session.scalar(
        select(MembershipRow.role)
        .join(PersonRow, PersonRow.id == MembershipRow.person_id)
        .where(and_(MembershipRow.cohort_uid == uid, PersonRow.user == user))
    )
    return found


async def enrol(
    session: AsyncSession,
    *,
    uid: str,
    cohort: str,
    entries: Sequence[Entry],
    by: str,
    now: datetime,
) -> None:
    """Put people on a roster, or change their role, name and address on it."""
    await session.execute(
        upsert(session, CohortRow)
        .values(uid=uid, name=cohort, created_at=now)
        .on_conflict_do_nothing()
    )
    if not entries:
        return
    users = [item.user for item in entries]
    people = [{"user": user, "created_at": now} for user in users]
    await session.execute(upsert(session, PersonRow).values(people).on_conflict_do_nothing())
    numbers = await _numbers(session, users)
    statement = upsert(session, MembershipRow).values(
        [
            {
                "cohort_uid": uid,
                "person_id": numbers[item.user],
                "role": item.role,
                "name": item.name,
                "email": item.email,
                "added_at": now,
                "added_by": by,
            }
            for item in entries
        ]
    )
    new = statement.excluded
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["cohort_uid", "person_id"],
            set_={
                "role": new.role,
                "name": func.coalesce(func.nullif(new.name, ""), MembershipRow.name),
                "email": func.coalesce(func.nullif(new.email, ""), MembershipRow.email),
            },
        )
    )


async def withdraw(session: AsyncSession, *, uid: str, users: Sequence[str]) -> None:
    """Take people off a roster."""
    numbers = await _numbers(session, users)
    await session.execute(
        delete(MembershipRow).where(
            and_(
                MembershipRow.cohort_uid == uid,
                MembershipRow.person_id.in_(list(numbers.values())),
            )
        )
    )


async def _numbers(session: AsyncSession, users: Sequence[str]) -> dict[str, int]:
    rows = await session.execute(
        select(PersonRow.user, PersonRow.id).where(PersonRow.user.in_(users))
    )
    return dict(rows.all())
