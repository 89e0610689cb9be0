"""Runs: what people see of them."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from practicum_portal.broker import Broker
from practicum_portal.clock import Clock
from practicum_portal.cluster import Cluster
from practicum_portal.database import Database
from practicum_portal.errors import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
)
from practicum_portal.figures import Curve
from practicum_portal.identity import Person
from practicum_portal.models import RunRow
from practicum_portal.paging import decode, encode
from practicum_portal.presentation.runs import (
    differences,
    in_order,
    latest_run,
    metric_rows,
    point_view,
    run_view,
    tracked_metrics,
)
from practicum_portal.store import audit, runs
from practicum_portal.views.base import Page
from practicum_portal.views.runs import (
    CompareView,
    CurvesView,
    CurveView,
    LatestRun,
    PointsView,
    RunEvent,
    RunState,
    RunView,
)

COMPARED_MOST = 10
_DRAWN = 400
"""Buckets of a curve; each keeps at most five points."""
_REMEMBERED = 300_000
"""Points of curves that are kept drawn, some hundred bytes each."""
_READ = 10_000
"""Values that are read in one go: reading more would hold up everyone else."""
_BATCH = 1000


class Runs:
    """Runs of the person, and of the cohorts that the person teaches."""

    def __init__(
        self,
        *,
        cluster: Cluster,
        database: Database,
        broker: Broker,
        clock: Clock,
        poll_seconds: float,
    ) -> None:
        self._cluster = cluster
        self._database = database
        self._broker = broker
        self._clock = clock
        self._poll = poll_seconds
        self._drawn: OrderedDict[int, CurvesView] = OrderedDict()
        self._drawing = asyncio.Lock()

    async def list_for(
        self,
        person: Person,
        *,
        cohort: str | None = None,
        lab: str | None = None,
        owner: str | None = None,
        sandbox: str | None = None,
        state: RunState | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[RunView]:
        """Return runs that the person may see, the newest first."""
        room = self._cluster.cohort(cohort) if cohort is not None else None
        if cohort is not None and room is None:
            return Page(items=())
        which = runs.Filter(
            owner=None if person.admin else person.name,
            uids=None if person.admin else self._taught(person),
            cohort_uid=room.metadata.uid if room else None,
            lab=lab,
            of=owner,
            sandbox=sandbox,
            state=state.value if state else None,
            before=decode(cursor),
        )
        async with self._database.read() as session:
            rows = await runs.listed(session, which, limit=limit + 1)
        shown = rows[:limit]
        return Page(
            items=tuple(self._view(row) for row in shown),
            next=encode(shown[-1].number) if len(rows) > limit else None,
        )

    async def latest_for(self, person: Person) -> tuple[LatestRun, ...]:
        """Return the newest run of each of the person's own sandboxes."""
        async with self._database.read() as session:
            rows = await runs.latest_of(session, person.name)
        return tuple(latest_run(row, lab=self._cluster.lab(row.lab)) for row in rows)

    async def get(self, person: Person, run_id: str) -> RunView:
        """Return a run that the person may see."""
        return self._view((await self._rows(person, [run_id]))[0])

    async def delete(self, person: Person, run_id: str) -> None:
        """Remove a run of the person's own, with its points, for good."""
        async with self._database.write() as session:
            row = await runs.locked(session, run_id)
            if row is None or not self._may_see(person, row):
                raise _unknown()
            if row.owner != person.name:
                raise ForbiddenError("Only its owner removes a run.", hint="Ask that person.")
            if self._view(row).live:  # its sandbox would make it anew with what it sends next
                raise ConflictError(
                    "The run is still going.",
                    hint="Stop it in the notebook first, or wait until it is silent.",
                    code="run-live",
                )
            await session.delete(row)
            deed = audit.Deed(person.name, "run.delete", run_id, row.cohort, row.cohort_uid)
            await audit.note(session, deed, now=self._clock())
        self._drawn.pop(row.number, None)
        self._broker.publish(run_id)

    async def points(
        self, person: Person, run_id: str, *, after: int = 0, limit: int = _BATCH
    ) -> PointsView:
        """Return points that came after the position ``after``, in the order they came."""
        (row,) = await self._rows(person, [run_id])
        return await self._points(row, after=after, limit=limit)

    async def curves(self, person: Person, run_id: str) -> CurvesView:
        """Return the curves of a run, thinned for drawing."""
        (row,) = await self._rows(person, [run_id])
        return await self._curves(row)

    async def compare(self, person: Person, ids: Sequence[str]) -> CompareView:
        """Return runs side by side: in what they differ, final figures, curves."""
        ids = list(dict.fromkeys(ids))
        if not 1 <= len(ids) <= COMPARED_MOST:
            raise BadRequestError(
                f"Between 1 and {COMPARED_MOST} runs can be compared.",
                hint="Choose fewer runs.",
                code="too-many-runs",
                params={"most": COMPARED_MOST},
            )
        rows = await self._rows(person, ids)
        views = [self._view(row) for row in rows]
        return CompareView(
            runs=tuple(views),
            differences=differences(views),
            metrics=metric_rows(views),
            curves=tuple([await self._curves(row) for row in rows]),
        )

    async def watch(
        self, person: Person, run_id: str, *, after: int = 0
    ) -> AsyncIterator[RunEvent]:
        """Yield points that come after a position, and the run whenever it changed.

        News of this process comes at once; news of other replicas within the poll time.
        """
        (row,) = await self._rows(person, [run_id])
        with self._broker.subscribe(run_id) as news:
            shown = None
            while True:
                news.clear()
                if (state := (row.state, row.batches)) != shown:
                    more = True
                    while more:
                        page = await self._points(row, after=after, limit=_BATCH)
                        after, more = page.next, page.more
                        view = None if more else self._view(row)
                        yield RunEvent(position=after, points=page.points, run=view)
                    shown = state
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._poll):
                        await news.wait()
                (row,) = await self._rows(person, [run_id])

    async def _points(self, row: RunRow, *, after: int, limit: int) -> PointsView:
        """Return whole batches, so that a position says exactly what was seen."""
        after = min(after, row.batches)
        async with self._database.read() as session:
            found = await runs.points_after(
                session, row.number, batch=after, limit=max(limit, 1) + 1
            )
            if len(found) > limit:
                last = found[-1].batch
                whole = [point for point in found if point.batch < last]
                if not whole:  # the first batch alone is larger than the page
                    whole = list(await runs.points_of(session, row.number, batch=last))
                found = whole
        following = found[-1].batch if found else after
        return PointsView(
            points=tuple(point_view(point) for point in found),
            next=following,
            more=following < row.batches and bool(found),
        )

    async def _curves(self, row: RunRow) -> CurvesView:
        async with self._drawing:  # one at a time: a long run takes much memory meanwhile
            view = self._drawn.pop(row.number, None)
            if view is None or view.position < row.batches:
                view = await self._draw(row)
            self._drawn[row.number] = view
            while sum(map(_size, self._drawn.values())) > _REMEMBERED:
                self._drawn.popitem(last=False)
            return view

    async def _draw(self, row: RunRow) -> CurvesView:
        width = max(1, -(-(row.last_seq + 1) // _DRAWN))
        curves: dict[str, Curve] = {}
        start: float | None = None
        async with self._database.read() as session:
            lines = max(1, _READ // max(1, len(row.metrics)))
            async for points in runs.stream_points(session, row.number, lines=lines):
                for point in points:
                    if point.batch > row.batches:
                        continue  # it came meanwhile: a live view gets it after the position
                    start = point.time if start is None else min(start, point.time)
                    for name, value in point.values.items():
                        curve = curves.setdefault(name, Curve(width=width))
                        curve.add(point.seq, point.step, point.time, value)
                await asyncio.sleep(0)  # others have their turn while a long run is read
        tracked = tracked_metrics(self._cluster.lab(row.lab))
        drawn = []
        for name in in_order(list(curves), tracked):
            await asyncio.sleep(0)
            kept = curves[name].points()
            drawn.append(
                CurveView(
                    metric=name,
                    steps=tuple(step for step, _, _ in kept),
                    values=tuple(value for _, _, value in kept),
                    times=tuple(round(time - (start or 0.0), 3) for _, time, _ in kept),
                )
            )
        thinned = any(len(each.steps) < curves[each.metric].count for each in drawn)
        return CurvesView(run=row.id, curves=tuple(drawn), position=row.batches, thinned=thinned)

    async def _rows(self, person: Person, ids: Sequence[str]) -> list[RunRow]:
        async with self._database.read() as session:
            found = await runs.by_ids(session, ids)
        rows = [found.get(run_id) for run_id in ids]
        seen = [row for row in rows if row is not None and self._may_see(person, row)]
        if len(seen) < len(ids):
            raise _unknown()
        return seen

    def _may_see(self, person: Person, row: RunRow) -> bool:
        if person.admin or row.owner == person.name:
            return True
        room = self._cluster.cohort(row.cohort)
        # A cohort made anew under an old name has other people: its id must be the run's.
        return (
            room is not None and room.metadata.uid == row.cohort_uid and person.teaches(row.cohort)
        )

    def _taught(self, person: Person) -> list[str]:
        return [
            room.metadata.uid
            for key, room in self._cluster.cohorts.items.items()
            if person.teaches(key[1])
        ]

    def _view(self, row: RunRow) -> RunView:
        return run_view(row, lab=self._cluster.lab(row.lab), now=self._clock())


def _size(view: CurvesView) -> int:
    return sum(len(curve.steps) for curve in view.curves)


def _unknown() -> NotFoundError:
    return NotFoundError(
        "There is no such run.", hint="It may be another person's; look at the list."
    )
