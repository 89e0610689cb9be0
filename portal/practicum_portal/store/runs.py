"""Runs and their points."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from practicum_portal.models import PointRow, RunRow
from practicum_portal.store.upsert import upsert

Point = Row[int, int, float, dict[str, Any], int]
"""seq, step, time, values, batch"""

_POINT = (PointRow.seq, PointRow.step, PointRow.time, PointRow.values, PointRow.batch)


Note = Row[str, str, str, str, str, dict[str, Any]]
"""id, name, owner, lab, state, metrics"""

Latest = Row[str, str, str, str, str, dict[str, Any], dict[str, Any]]
"""id, name, cohort, sandbox, lab, metrics, sketches"""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which runs to list. None means all."""

    owner: str | None = None
    """Runs of this person; with ``uids`` also those of these cohorts."""
    uids: Collection[str] | None = None
    """Runs of these cohorts, by UID."""
    cohort_uid: str | None = None
    lab: str | None = None
    of: str | None = None
    """Runs of this person, among those that may be seen."""
    sandbox: str | None = None
    state: str | None = None
    before: int | None = None
    """Runs with a smaller number."""

    def condition(self) -> ColumnElement[bool]:
        """Return the filter as SQL."""
        parts: list[ColumnElement[bool]] = [true()]
        if self.owner is not None:
            parts.append(
                or_(RunRow.owner == self.owner, RunRow.cohort_uid.in_(list(self.uids or ())))
            )
        for column, value in (
            (RunRow.cohort_uid, self.cohort_uid),
            (RunRow.lab, self.lab),
            (RunRow.owner, self.of),
            (RunRow.sandbox, self.sandbox),
            (RunRow.state, self.state),
        ):
            if value is not None:
                parts.append(column == value)
        if self.before is not None:
            parts.append(RunRow.number < self.before)
        return and_(*parts)


async def listed(session: AsyncSession, which: Filter, *, limit: int) -> Sequence[RunRow]:
    """Return runs, the newest first."""
    query = select(RunRow).where(which.condition()).order_by(RunRow.number.desc()).limit(limit)
    return (await session.scalars(query)).all()


async def latest_in(session: AsyncSession, cohort_uid: str) -> Sequence[Note]:
    """Return the newest run of every person and lab in a cohort."""
    newest = (
        select(func.max(RunRow.number))
        .where(RunRow.cohort_uid == cohort_uid)
        .group_by(RunRow.owner, RunRow.lab)
    )
    row = RunRow
    rows = await session.execute(
        select(row.id, row.name, row.owner, row.lab, row.state, row.metrics).where(
            row.number.in_(newest)
        )
    )
    return rows.all()


async def latest_of(session: AsyncSession, owner: str) -> Sequence[Latest]:
    """Return the newest run of each of someone's sandboxes."""
    newest = (
        select(func.max(RunRow.number))
        .where(RunRow.owner == owner)
        .group_by(RunRow.cohort, RunRow.sandbox)
    )
    row = RunRow
    rows = await session.execute(
        select(row.id, row.name, row.cohort, row.sandbox, row.lab, row.metrics, row.sketches).where(
            row.number.in_(newest)
        )
    )
    return rows.all()


async def by_ids(session: AsyncSession, ids: Collection[str]) -> dict[str, RunRow]:
    """Return the runs of these ids that exist."""
    rows = await session.scalars(select(RunRow).where(RunRow.id.in_(list(ids))))
    return {row.id: row for row in rows}


async def locked(session: AsyncSession, run_id: str) -> RunRow | None:
    """Return a run that no other transaction changes until this one ends."""
    found: RunRow | None = await session.scalar(
        select(RunRow).where(RunRow.id == run_id).with_for_update()
    )
    return found


async def held(session: AsyncSession, *, owner: str, cohort_uid: str) -> tuple[int, int]:
    """Return how many runs a person has in a cohort, and how many bytes they take."""
    rows = await session.execute(
        select(func.count(), func.coalesce(func.sum(RunRow.bytes), 0)).where(
            and_(RunRow.owner == owner, RunRow.cohort_uid == cohort_uid)
        )
    )
    count, taken = rows.one()
    return count, int(taken)


async def remove_oldest_in(session: AsyncSession, cohort_uid: str) -> bool:
    """Remove a run of a cohort with its points; return whether there was one."""
    number = await session.scalar(
        select(func.min(RunRow.number)).where(RunRow.cohort_uid == cohort_uid)
    )
    await session.execute(delete(RunRow).where(RunRow.number == number))
    return number is not None


async def create(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    """Insert a run unless its id is taken; return whether it was inserted."""
    result = await session.execute(
        upsert(session, RunRow).values(values).on_conflict_do_nothing().returning(RunRow.number)
    )
    return result.first() is not None


async def add_points(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> set[int]:
    """Insert points whose seq is new and return those seqs."""
    statement = (
        upsert(session, PointRow)
        .on_conflict_do_nothing(index_elements=["run_number", "seq"])
        .returning(PointRow.seq)
    )
    # Given apart from the statement, rows cost a quarter: it is compiled once and for all.
    return set(await session.scalars(statement, list(rows)))


async def points_after(
    session: AsyncSession, number: int, *, batch: int, limit: int
) -> Sequence[Point]:
    """Return points that came after a batch, in the order they came."""
    rows = await session.execute(
        select(*_POINT)
        .where(and_(PointRow.run_number == number, PointRow.batch > batch))
        .order_by(PointRow.batch, PointRow.seq)
        .limit(limit)
    )
    return rows.all()


async def points_of(session: AsyncSession, number: int, *, batch: int) -> Sequence[Point]:
    """Return the points of one batch."""
    rows = await session.execute(
        select(*_POINT)
        .where(and_(PointRow.run_number == number, PointRow.batch == batch))
        .order_by(PointRow.seq)
    )
    return rows.all()


async def stream_points(
    session: AsyncSession, number: int, *, lines: int
) -> AsyncIterator[Sequence[Point]]:
    """Yield all points of a run by seq, ``lines`` at a time."""
    after = -1
    while True:
        rows = await session.execute(
            select(*_POINT)
            .where(and_(PointRow.run_number == number, PointRow.seq > after))
            .order_by(PointRow.seq)
            .limit(lines)
        )
        points = rows.all()
        if points:
            yield points
        if len(points) < lines:
            return
        after = points[-1].seq


async def states(session: AsyncSession) -> Sequence[Row[str, str, str, int]]:
    """Return (cohort, lab, state, count) of all runs."""
    rows = await session.execute(
        select(RunRow.cohort, RunRow.lab, RunRow.state, func.count()).group_by(
            RunRow.cohort, RunRow.lab, RunRow.state
        )
    )
    return rows.all()


async def finals(session: AsyncSession) -> Sequence[Row[str, str, dict[str, Any]]]:
    """Return (cohort, lab, metrics) of the newest finished run of every person and lab."""
    newest = (
        select(func.max(RunRow.number))
        .where(RunRow.state == "finished")
        .group_by(RunRow.owner, RunRow.cohort_uid, RunRow.lab)
    )
    rows = await session.execute(
        select(RunRow.cohort, RunRow.lab, RunRow.metrics).where(RunRow.number.in_(newest))
    )
    return rows.all()
