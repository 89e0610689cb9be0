"""Cohorts that left rosters and runs behind."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import and_, delete, func, literal, null, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from practicum_portal.models import CohortRow, RunRow
from practicum_portal.store.upsert import upsert


async def mark(session: AsyncSession, present: Collection[str], *, now: datetime) -> None:
    """Note since when cohorts that are not ``present`` are gone, and which are back."""
    there = CohortRow.uid.in_(list(present))
    strangers = (
        select(RunRow.cohort_uid, func.min(RunRow.cohort), literal(now, CohortRow.created_at.type))
        .where(RunRow.cohort_uid.not_in(select(CohortRow.uid)))
        .group_by(RunRow.cohort_uid)
    )
    await session.execute(
        upsert(session, CohortRow)
        .from_select(["uid", "name", "created_at"], strangers)
        .on_conflict_do_nothing()
    )
    gone = and_(~there, CohortRow.gone_at.is_(None))
    back = and_(there, CohortRow.gone_at.is_not(None))
    await session.execute(update(CohortRow).where(gone).values(gone_at=now))
    await session.execute(update(CohortRow).where(back).values(gone_at=null()))


async def gone_before(session: AsyncSession, moment: datetime) -> Sequence[str]:
    """Return the UIDs of cohorts that are gone since before ``moment``."""
    return (await session.scalars(select(CohortRow.uid).where(CohortRow.gone_at < moment))).all()


async def remove(session: AsyncSession, uid: str) -> None:
    """Remove a cohort with its roster."""
    await session.execute(delete(CohortRow).where(CohortRow.uid == uid))
