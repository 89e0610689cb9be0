"""The audit log's lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from practicum_portal.models import AuditRow


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that someone did."""

    actor: str
    action: str
    target: str
    cohort: str = ""
    cohort_uid: str = ""
    detail: dict[str, Any] | None = None


async def note(session: AsyncSession, deed: Deed, *, now: datetime) -> None:
    """Write a line in the caller's transaction, so that the deed and its line go together."""
    await session.execute(
        insert(AuditRow).values(
            at=now,
            actor=deed.actor,
            action=deed.action,
            cohort=deed.cohort,
            cohort_uid=deed.cohort_uid,
            target=deed.target,
            detail=deed.detail or {},
        )
    )


async def latest(
    session: AsyncSession,
    *,
    cohort: str | None = None,
    cohort_uid: str | None = None,
    before: int | None = None,
    limit: int,
) -> Sequence[AuditRow]:
    """Return lines, the newest first, older than the line ``before``.

    By the name of a cohort they are also those of former cohorts of that name.
    """
    query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
    if cohort is not None:
        query = query.where(AuditRow.cohort == cohort)
    if cohort_uid is not None:
        query = query.where(AuditRow.cohort_uid == cohort_uid)
    if before is not None:
        query = query.where(AuditRow.id < before)
    return (await session.scalars(query)).all()
